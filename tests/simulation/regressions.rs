//! Sessions that failed once, each with what was wrong.

use testkit::{
    content::{Addressing, Format, Hls},
    faults::{Fault, Recovery, Rule, Target},
};

use crate::{
    scenario::{Act, BrowserKind, Connection, Scenario, Step, epoch},
    session,
};

/// Plays a scenario, which has to keep all invariants, in several orders of its tasks.
fn keeps_all_invariants(scenario: &Scenario) {
    for seed in 0..10 {
        let scenario = Scenario {
            seed,
            ..scenario.clone()
        };
        let report = session::run(&scenario);
        let trace = report.trace.join("\n");
        assert_eq!(
            report.violation, None,
            "order {seed}\n{scenario:#?}\n{trace}"
        );
    }
}

#[test]
fn plain_content_is_played_to_its_end() {
    keeps_all_invariants(&Scenario::plain(Format::Dash(Addressing::Number), 20.0));
}

#[test]
fn audio_that_starts_later_does_not_move_video() {
    let mut scenario = Scenario::plain(Format::Hls(Hls::default()), 20.0);
    scenario.recipe().quirks.audio_delay_ticks = 3_000;
    keeps_all_invariants(&scenario);
}

#[test]
fn start_at_the_end_plays_the_last_frames() {
    let mut scenario = Scenario::plain(Format::Dash(Addressing::Base), 20.5);
    scenario.start = 20.5;
    keeps_all_invariants(&scenario);
    scenario.recipe().quirks.one_frame_last = true;
    scenario.start = 40.0;
    keeps_all_invariants(&scenario);
}

#[test]
fn shorter_audio_does_not_prevent_a_start_at_the_end() {
    let mut scenario = Scenario::plain(Format::Dash(Addressing::List), 21.5);
    scenario.recipe().quirks.audio_shorter_frames = 40;
    scenario.start = 21.5;
    keeps_all_invariants(&scenario);
}

#[test]
fn short_gap_is_jumped_where_the_browser_stops() {
    let mut scenario = Scenario::plain(Format::Dash(Addressing::List), 20.0);
    scenario.recipe().quirks.has_gap = true;
    keeps_all_invariants(&scenario);
}

#[test]
fn unaligned_qualities_do_not_replace_what_is_played() {
    let mut scenario = Scenario::plain(Format::Dash(Addressing::Base), 60.0);
    scenario.recipe().quirks.unaligned = true;
    scenario.recipe().segment_seconds = 6.0;
    scenario.connection = Connection::steady(2e6);
    keeps_all_invariants(&scenario);
}

#[test]
fn refused_init_segment_is_not_requested_for_each_retry() {
    let mut scenario = Scenario::plain(Format::Dash(Addressing::Time), 20.0);
    scenario.faults.rules.push(Rule {
        target: Target::Containing("a0-64/init".into()),
        thousandths: 1_000,
        from: epoch(),
        recovery: Recovery::Never,
        fault: Fault::Refused,
    });
    keeps_all_invariants(&scenario);
}

#[test]
fn evicted_media_is_fetched_again_instead_of_jumped_over() {
    let mut scenario = Scenario::plain(Format::Dash(Addressing::Number), 40.0);
    scenario.browser = BrowserKind::WebKit;
    scenario.connection = Connection::steady(2e6);
    scenario.goal = (15.0, 5.0);
    for at in [6.0, 9.3, 12.6] {
        scenario.script.push(Step {
            at,
            act: Act::Evict(-3.0, 8.0),
        });
    }
    keeps_all_invariants(&scenario);
}

#[test]
fn seek_to_the_very_end_ends() {
    for share in [0.999, 1.0] {
        let mut scenario = Scenario::plain(Format::Dash(Addressing::Number), 20.0);
        scenario.script.push(Step {
            at: 3.0,
            act: Act::Seek(share),
        });
        keeps_all_invariants(&scenario);
    }
}

#[test]
fn full_buffer_is_waited_for_while_there_is_media() {
    for quota in [1_000_000, 1_500_000, 2_000_000, 2_500_000] {
        let mut scenario = Scenario::plain(Format::Dash(Addressing::Number), 40.0);
        scenario.recipe().heights = vec![480];
        scenario.quota = Some(quota);
        keeps_all_invariants(&scenario);
    }
}

#[test]
fn eviction_by_the_engine_is_not_one_of_the_browser() {
    let mut scenario = Scenario::plain(Format::Hls(Hls::default()), 60.0);
    scenario.browser = BrowserKind::WebKit;
    scenario.recipe().quirks.has_gap = true;
    scenario.recipe().segment_seconds = 10.0;
    scenario.goal = (10.0, 0.0);
    keeps_all_invariants(&scenario);
}

#[test]
fn element_that_is_stuck_near_the_end_is_moved() {
    let mut scenario = Scenario::plain(Format::Dash(Addressing::Number), 20.0);
    scenario.start = 19.7;
    scenario.script.push(Step {
        at: 0.1,
        act: Act::GetStuck,
    });
    keeps_all_invariants(&scenario);
}
