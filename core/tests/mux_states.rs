//! The table of a call's life: every (role, state, step), and the diagram that SPEC.md makes of it.

#![allow(clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;

use grpc_websocket_core::Role;
use grpc_websocket_core::mux::{Lifecycle, Step, TRANSITIONS};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

const STATES: [Lifecycle; 7] = [
    Lifecycle::Idle,
    Lifecycle::Open,
    Lifecycle::HalfClosed,
    Lifecycle::Failed,
    Lifecycle::Resetting,
    Lifecycle::Held,
    Lifecycle::Closed,
];

const STEPS: [Step; 8] = [
    Step::Open,
    Step::HalfClose,
    Step::Finish,
    Step::Reset,
    Step::PeerReset,
    Step::Fail,
    Step::ResetSent,
    Step::Release,
];

/// What each step leads to, by role and state; `-` is not allowed. So a changed row cannot hide.
const SNAPSHOT: &str = "\
role   state      Open HalfClose  Finish Reset  PeerReset Fail      ResetSent Release
Client Idle       Open -          -      -      -         -         -         -
Client Open       -    HalfClosed Closed Closed Closed    Resetting -         -
Client HalfClosed -    -          Closed Closed Closed    Resetting -         -
Client Failed     -    -          -      -      -         -         -         -
Client Resetting  -    -          -      -      Closed    -         Closed    -
Client Held       -    -          -      -      -         -         -         -
Client Closed     -    -          -      -      -         -         -         -
Server Idle       Open -          -      -      -         -         -         -
Server Open       -    HalfClosed Closed Closed Held      Failed    -         -
Server HalfClosed -    -          Closed Closed Held      Failed    -         -
Server Failed     -    -          -      -      Held      -         Held      Resetting
Server Resetting  -    -          -      -      Closed    -         Closed    -
Server Held       -    -          -      -      -         -         -         Closed
Server Closed     -    -          -      -      -         -         -         -
";

fn to(role: Role, state: Lifecycle, step: Step) -> String {
    let to = state.after(role, step);
    to.map_or_else(|| "-".into(), |to| format!("{to:?}"))
}

fn table() -> String {
    let mut table = String::new();
    let mut line = |cells: [String; 10]| {
        let widths = [6, 10, 4, 10, 6, 6, 9, 9, 9, 7];
        let cells = cells.iter().zip(widths);
        let padded: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        writeln!(table, "{}", padded.join(" ").trim_end()).expect("memory");
    };
    let head = STEPS.map(|step| format!("{step:?}"));
    line(cells("role".into(), "state".into(), head));
    for role in ROLES {
        for state in STATES {
            let row = STEPS.map(|step| to(role, state, step));
            line(cells(format!("{role:?}"), format!("{state:?}"), row));
        }
    }
    table
}

fn cells(role: String, state: String, steps: [String; 8]) -> [String; 10] {
    let [a, b, c, d, e, f, g, h] = steps;
    [role, state, a, b, c, d, e, f, g, h]
}

#[test]
fn all_transitions() {
    assert_eq!(table(), SNAPSHOT);
}

#[test]
fn no_step_is_in_the_table_twice() {
    for (index, &(role, from, step, _)) in TRANSITIONS.iter().enumerate() {
        let same =
            |&&(r, f, s, _): &&(Role, Lifecycle, Step, Lifecycle)| (r, f, s) == (role, from, step);
        assert_eq!(TRANSITIONS.iter().filter(same).count(), 1, "row {index}");
    }
}

#[test]
fn a_call_that_is_over_never_lives_again() {
    for (_, from, _, to) in TRANSITIONS {
        let was_over = !from.is_live() && from != Lifecycle::Idle;
        assert!(!(was_over && to.is_live()), "{from:?} to {to:?}");
        assert_ne!(from, Lifecycle::Closed);
    }
}

/// What a step is called in the diagram.
const fn label(step: Step) -> &'static str {
    match step {
        Step::Open => "DATA with OPEN",
        Step::HalfClose => "END of the client",
        Step::Finish => "END of the server",
        Step::Reset => "RESET sent",
        Step::PeerReset => "RESET received",
        Step::Fail => "rules broken or time over",
        Step::ResetSent => "RESET sent",
        Step::Release => "handler gone",
    }
}

fn diagram() -> String {
    let mut text = String::new();
    for role in ROLES {
        writeln!(
            text,
            "As the {} sees it:\n",
            format!("{role:?}").to_lowercase()
        )
        .expect("memory");
        writeln!(text, "```mermaid\nstateDiagram-v2\n    [*] --> Idle").expect("memory");
        for (_, from, step, to) in TRANSITIONS.iter().filter(|row| row.0 == role) {
            writeln!(text, "    {from:?} --> {to:?}: {}", label(*step)).expect("memory");
        }
        writeln!(text, "    Closed --> [*]\n```\n").expect("memory");
    }
    text
}

/// `UPDATE_SPEC=1 cargo test -p grpc-websocket-core --test mux_states` writes the diagram.
#[test]
fn the_diagram_in_spec_md_is_made_from_the_table() {
    const BEGIN: &str = "<!-- generated: call states -->\n";
    const END: &str = "<!-- end generated -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../SPEC.md");
    let spec = std::fs::read_to_string(path).expect("SPEC.md");
    let (before, rest) = spec.split_once(BEGIN).expect("the begin of the diagram");
    let (found, after) = rest.split_once(END).expect("the end of the diagram");
    let expected = diagram();
    if std::env::var_os("UPDATE_SPEC").is_some() {
        let spec = format!("{before}{BEGIN}{expected}{END}{after}");
        std::fs::write(path, spec).expect("SPEC.md");
        return;
    }
    assert!(
        found == expected,
        "the diagram of SPEC.md is not that of the table; set UPDATE_SPEC=1 to write it"
    );
}
