//! State outside of components, and the hook by which components select from it.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use yew::prelude::*;

/// A value with subscribers that are called after every change.
pub struct Store<T> {
    value: RefCell<T>,
    subscribers: Rc<Subscribers>,
}

type Subscriber = Rc<dyn Fn()>;

#[derive(Default)]
struct Subscribers {
    callbacks: RefCell<Vec<(u32, Subscriber)>>,
    next_id: Cell<u32>,
}

/// Dropping it ends the subscription.
pub struct Subscription {
    id: u32,
    subscribers: Weak<Subscribers>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(subscribers) = self.subscribers.upgrade() {
            subscribers
                .callbacks
                .borrow_mut()
                .retain(|(id, _)| *id != self.id);
        }
    }
}

/// Two lists are equal if they are the same one.
impl PartialEq for Subscribers {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Subscribers {
    fn subscribe(self: &Rc<Self>, callback: Subscriber) -> Subscription {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        self.callbacks.borrow_mut().push((id, callback));
        Subscription {
            id,
            subscribers: Rc::downgrade(self),
        }
    }

    fn notify(&self) {
        // Copied, because a callback may subscribe or unsubscribe.
        let callbacks = self.callbacks.borrow().clone();
        for (_, callback) in callbacks {
            callback();
        }
    }
}

impl<T> Store<T> {
    /// A store with this value and no subscribers.
    pub fn new(value: T) -> Rc<Self> {
        Rc::new(Self {
            value: RefCell::new(value),
            subscribers: Rc::default(),
        })
    }

    /// Reads the value.
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.value.borrow())
    }

    /// Changes the value without a word to the subscribers: call [`notify`](Self::notify) next.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.value.borrow_mut())
    }

    /// Calls the subscribers.
    pub fn notify(&self) {
        self.subscribers.notify();
    }

    /// Replaces the value, and calls the subscribers if it differs.
    pub fn set(&self, value: T)
    where
        T: PartialEq,
    {
        if *self.value.borrow() != value {
            self.value.replace(value);
            self.notify();
        }
    }

    /// Calls `callback` after every change until the subscription is dropped.
    pub fn subscribe(&self, callback: impl Fn() + 'static) -> Subscription {
        self.subscribers.subscribe(Rc::new(callback))
    }
}

/// Selects a part of a store's value. The component renders again only when the selected part changes. `select` is
/// expected to be the same function at each render.
#[hook]
pub fn use_selector<T, R>(store: &Rc<Store<T>>, select: fn(&T) -> R) -> R
where
    T: 'static,
    R: Clone + PartialEq + 'static,
{
    let rendered = use_mut_ref(|| None);
    let selected = store.read(select);
    rendered.replace(Some(selected.clone()));
    let has_changed = {
        let store = store.clone();
        move || *rendered.borrow() != Some(store.read(select))
    };
    use_renders(&store.subscribers, Rc::new(has_changed));
    selected
}

/// Renders the component after a change of a store, if `has_changed` then returns true. Not generic, because there is
/// one copy of it for each type that is selected.
#[hook]
fn use_renders(subscribers: &Rc<Subscribers>, has_changed: Rc<dyn Fn() -> bool>) {
    let trigger = use_force_update();
    use_effect_with(subscribers.clone(), move |subscribers| {
        let render_if_changed = move || {
            if has_changed() {
                trigger.force_update();
            }
        };
        // The value may have changed since it was rendered.
        render_if_changed();
        let subscription = subscribers.subscribe(Rc::new(render_if_changed));
        move || drop(subscription)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_are_called_on_change_until_dropped() {
        let store = Store::new(1);
        let calls = Rc::new(Cell::new(0));
        let subscription = store.subscribe({
            let calls = calls.clone();
            move || calls.set(calls.get() + 1)
        });
        store.set(1);
        assert_eq!(calls.get(), 0, "nothing has changed");
        store.set(2);
        assert_eq!(calls.get(), 1);
        drop(subscription);
        store.set(3);
        assert_eq!(calls.get(), 1);
    }

    #[test]
    fn subscriber_may_unsubscribe_while_it_is_called() {
        let store = Store::new(1);
        let slot: Rc<RefCell<Option<Subscription>>> = Rc::default();
        let subscription = store.subscribe({
            let slot = slot.clone();
            move || drop(slot.take())
        });
        slot.replace(Some(subscription));
        store.set(2);
        assert!(slot.borrow().is_none());
    }
}
