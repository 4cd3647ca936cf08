//! gRPC's interop cases, for every client against every server.

use std::time::Duration;

use grpc_websocket_conformance::interop::{CASES, Case, Interop, MORE_CASES, routes};
use grpc_websocket_conformance::report::{Report, Run, exceptions, is_wanted};
use grpc_websocket_conformance::target::{CLIENTS, Client, Place, Server};

/// No case takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Those that are known not to pass, some because they never end, are not waited for as long.
const LITTLE_PATIENCE: Duration = Duration::from_secs(2);

/// The longest message that the servers take.
const MAX_MESSAGE: u32 = 4 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interop_cases_pass_on_our_server() {
    Report::new(on(Place::Server).await).check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interop_cases_pass_through_the_gateway() {
    Report::new(on(Place::Gateway).await).check();
}

async fn on(place: Place) -> Vec<Run> {
    let mut runs = Vec::new();
    let exceptions = exceptions();
    for client in CLIENTS {
        for (suite, cases) in [("interop", CASES), ("interop_more", MORE_CASES)] {
            for case in cases {
                let mut run = Run {
                    target: format!("{} -> {}", client.name, place.name()),
                    suite: suite.to_owned(),
                    case: case.name.to_owned(),
                    gzip: false,
                    result: Ok(()),
                };
                if !is_wanted(&run) {
                    continue;
                }
                let is_exception = exceptions.iter().any(|exception| exception.covers(&run));
                let patience = if is_exception {
                    LITTLE_PATIENCE
                } else {
                    PATIENCE
                };
                run.result = result(case, client, place, patience).await;
                runs.push(run);
            }
        }
    }
    runs
}

/// Each case has a server of its own, and counts its handlers.
async fn result(
    case: &Case,
    client: &Client,
    place: Place,
    patience: Duration,
) -> Result<(), String> {
    let interop = Interop::default();
    let server = Server::start(place, routes(interop.clone()), MAX_MESSAGE).await;
    let channel = (client.connect)(server.address);
    let running = tokio::time::timeout(patience, (case.run)(channel, interop));
    let no_end = |_| Err(format!("no end within {patience:?}"));
    running.await.unwrap_or_else(no_end)
}
