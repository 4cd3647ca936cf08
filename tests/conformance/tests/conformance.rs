//! The cases of connectrpc/conformance, for every client against every server.

use futures_util::stream::{self, StreamExt as _};
use grpc_websocket_conformance::conformance::{
    Case, Conformance, LIMIT, Setup, Suite, routes, run, suites,
};
use grpc_websocket_conformance::report::{Report, Run, is_wanted};
use grpc_websocket_conformance::target::{CLIENTS, Client, Place, Server};
use grpc_websocket_conformance::wire::{Carrier, scripted};

/// How many cases run at a time.
const AT_A_TIME: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cases_pass_on_our_server() {
    Report::new(on(Place::Server).await).check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cases_pass_through_the_gateway() {
    Report::new(on(Place::Gateway).await).check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_cope_with_scripted_servers() {
    let mut runs = Vec::new();
    for client in CLIENTS {
        let all = planned(client, "script", |case| case.script.is_some());
        let all = all.into_iter().filter(|(run, _)| !run.gzip);
        runs.extend(each(all, async |case, _| against_script(client, case).await).await);
    }
    Report::new(runs).check();
}

async fn on(place: Place) -> Vec<Run> {
    let service = Conformance::default();
    let limit = LIMIT.try_into().expect("a limit");
    let server = Server::start(place, routes(service.clone()), limit).await;
    let mut runs = Vec::new();
    for client in CLIENTS {
        let all = planned(client, place.name(), |case| case.script.is_none());
        let channel = (client.connect)(server.address);
        let result = async |case: &Case, gzip| {
            let setup = Setup {
                channel: channel.clone(),
                calls: Some(service.calls.clone()),
                gzip,
                is_web: client.carrier != Carrier::Http2,
            };
            run(case, &setup).await
        };
        runs.extend(each(all.into_iter(), result).await);
    }
    runs
}

/// Runs cases, some at a time.
async fn each(
    all: impl Iterator<Item = (Run, Case)>,
    result: impl AsyncFn(&Case, bool) -> Result<(), String>,
) -> Vec<Run> {
    let all = all.map(async |(mut run, case)| {
        run.result = result(&case, run.gzip).await;
        run
    });
    stream::iter(all)
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await
}

async fn against_script(client: &Client, case: &Case) -> Result<(), String> {
    let script = case.script.clone().unwrap_or_default();
    let address = scripted::serve(client.carrier, script).await;
    let setup = Setup {
        channel: (client.connect)(address),
        calls: None,
        gzip: false,
        is_web: client.carrier != Carrier::Http2,
    };
    run(case, &setup).await
}

/// The cases with their runs to be, and once more with compression where that matters.
fn planned(client: &Client, server: &str, which: impl Fn(&Case) -> bool) -> Vec<(Run, Case)> {
    let mut planned = Vec::new();
    for Suite {
        name, gzip, cases, ..
    } in suites()
    {
        for case in cases.into_iter().filter(&which) {
            for gzip in [false, true].into_iter().take(1 + usize::from(gzip)) {
                let run = Run {
                    target: format!("{} -> {server}", client.name),
                    suite: name.clone(),
                    case: case.name.clone(),
                    gzip,
                    result: Ok(()),
                };
                planned.push((run, case.clone()));
            }
        }
    }
    planned.retain(|(run, _)| is_wanted(run));
    planned
}
