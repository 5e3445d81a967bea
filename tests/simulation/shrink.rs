//! Reduces a failing scenario to one with fewer faults and shorter content that fails in the same way.

use crate::{
    invariants::Invariant,
    scenario::{BrowserKind, Connection, Scenario},
    session,
};

/// The most sessions that are played to reduce one.
const MAX_SESSIONS: usize = 150;

/// The simplest scenario found that breaks the same invariant.
pub fn shrink(scenario: &Scenario, invariant: Invariant) -> Scenario {
    let mut best = scenario.clone();
    let mut sessions = 0;
    'simpler: loop {
        for candidate in candidates(&best) {
            sessions += 1;
            if sessions > MAX_SESSIONS {
                return best;
            }
            let violation = session::run(&candidate).violation;
            if violation.is_some_and(|it| it.invariant == invariant) {
                best = candidate;
                continue 'simpler;
            }
        }
        return best;
    }
}

/// Scenarios that are a little simpler.
fn candidates(scenario: &Scenario) -> Vec<Scenario> {
    let mut simpler = Vec::new();
    let mut add = |change: &dyn Fn(&mut Scenario)| {
        let mut changed = scenario.clone();
        change(&mut changed);
        if changed != *scenario {
            simpler.push(changed);
        }
    };
    add(&|it| it.faults.rules.clear());
    add(&|it| it.script.clear());
    for nth in 0..scenario.faults.rules.len() {
        add(&|it| {
            it.faults.rules.remove(nth);
        });
    }
    for nth in 0..scenario.script.len() {
        add(&|it| {
            it.script.remove(nth);
        });
    }
    add(&|it| it.connection = Connection::steady(20e6));
    add(&|it| it.connection.lost_thousandths = 0);
    add(&|it| it.connection.latency_ms = (20.0, 40.0));
    add(&|it| it.connection.bandwidth.truncate(1));
    add(&|it| it.browser = BrowserKind::Chromium);
    add(&|it| it.quota = None);
    add(&|it| it.start = 0.0);
    add(&|it| it.goal = (30.0, 30.0));
    add(&|it| it.screen = (0, 0));
    for source in scenario.source.simpler() {
        add(&|it| it.source = source.clone());
    }
    simpler
}
