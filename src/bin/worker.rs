//! The engine's program. A worker runs it as it is; a page whose browser has no MediaSource in workers
//! loads it, too, and asks it for an agent.

use js_sys::Function;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use yew_mse_worker::engine::home::{self, OnPage};

fn main() {
    home::start();
}

/// An agent on the page. Exported here, and not by the library, so that the page's own program does not
/// hold the engine as well.
#[wasm_bindgen]
pub struct Agent(OnPage);

#[wasm_bindgen]
impl Agent {
    /// See [`OnPage::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(hear: Function) -> Self {
        Self(OnPage::new(hear))
    }

    /// See [`OnPage::tell`].
    pub fn tell(&self, parcel: JsValue) {
        self.0.tell(parcel);
    }
}
