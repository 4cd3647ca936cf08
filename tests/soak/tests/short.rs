//! Each command once, in a short form.

use std::process::Command;

/// Runs the program, which fails if something is not as it should be.
fn run(arguments: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_grpc-websocket-soak"));
    let output = program.args(arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}\n{error}");
    said
}

#[test]
fn idle_websockets_are_held_and_drained() {
    let said = run(&["idle", "--connections=200", "--minutes=0.05", "--grace=1"]);
    assert!(said.contains("50 GOAWAY, 50 Close 1001"), "{said}");
}

#[test]
fn clients_leave_nothing_behind() {
    let said = run(&["churn", "--rounds=2", "--clients=48"]);
    assert!(said.contains("96 started, 96 ended (16 OK"), "{said}");
}

#[test]
fn restarts_lose_no_call() {
    let said = run(&["restart", "--restarts=3", "--uptime=300"]);
    assert!(said.contains("and 0 more often"), "{said}");
}
