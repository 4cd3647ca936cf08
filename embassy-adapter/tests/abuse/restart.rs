//! Connections that break anywhere, and the next one on the same memory.

use std::cell::Cell;

use embassy_futures::select::{Either, select};
use embedded_io_async::ErrorKind;
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Client, Code, Config, Error, Runner, Server, State, Status};

use crate::common::pair::{CALLS, OUTPUT, TestClient, WINDOW};
use crate::common::{Sink, Source, Task, at_most, join, pipe, run, until, yield_now};
use crate::service::{BUFFER, Work, assert_all_free, message, serve, unary};

type TestRunner<'a> = Runner<'a, CALLS, WINDOW, OUTPUT>;
type TestServer<'a> = Server<'a, CALLS, WINDOW, OUTPUT>;

const BROKEN: ErrorKind = ErrorKind::ConnectionReset;

/// What goes wrong with a transport after so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    ReadEnds,
    ReadFails,
    WriteFails,
    WritesNothing,
}

const FAULTS: [Fault; 4] = [
    Fault::ReadEnds,
    Fault::ReadFails,
    Fault::WriteFails,
    Fault::WritesNothing,
];

impl Fault {
    fn of(self, sink: Sink, source: Source, after: usize) -> (Sink, Source) {
        match self {
            Self::None => (sink, source),
            Self::ReadEnds => (sink, source.ends_after(after)),
            Self::ReadFails => (sink, source.fails_after(after, BROKEN)),
            Self::WriteFails => (sink.fails_after(after, BROKEN), source),
            Self::WritesNothing => (sink.full_after(after), source),
        }
    }
}

/// One connection between two devices.
#[derive(Debug, Clone, Copy)]
struct Link {
    subprotocol: Subprotocol,
    path: &'static str,
    chunk: usize,
    at_client: Fault,
    at_server: Fault,
    after: usize,
}

impl Link {
    const MUX: Self = Self {
        subprotocol: Subprotocol::Mux,
        path: "/",
        chunk: usize::MAX,
        at_client: Fault::None,
        at_server: Fault::None,
        after: 0,
    };

    const SINGLE: Self = Self {
        subprotocol: Subprotocol::Single,
        path: "/t.T/Unary",
        ..Self::MUX
    };

    /// The same without faults.
    const fn whole(mut self) -> Self {
        self.at_client = Fault::None;
        self.at_server = Fault::None;
        self
    }

    /// Drives it to its end, at both ends.
    async fn drive(
        self,
        dialer: &mut TestRunner<'_>,
        acceptor: &mut TestRunner<'_>,
    ) -> (Result<(), Error>, Result<(), Error>) {
        let (up, at_server) = pipe(512);
        let (down, at_client) = pipe(512);
        let (up, at_client) = self
            .at_client
            .of(up.chunk(self.chunk), at_client, self.after);
        let (down, at_server) = self
            .at_server
            .of(down.chunk(self.chunk), at_server, self.after);
        let subprotocols = [self.subprotocol];
        let upgrade = Upgrade::new("device", self.path).subprotocols(&subprotocols);
        let accept = Accept::new();
        join(
            Task::new(dialer.connect(at_client, up, &upgrade)),
            Task::new(acceptor.accept(at_server, down, &accept)),
        )
        .await
    }
}

/// Two devices, one of which answers.
async fn with_devices<O>(
    work: &Work,
    test: impl AsyncFnOnce(TestClient<'_>, TestServer<'_>, TestRunner<'_>, TestRunner<'_>) -> O,
    is_serving: bool,
) -> O {
    let (mut ours, mut theirs) = (State::new(), State::new());
    let incoming = Config::DEFAULT.with_max_incoming_calls(CALLS);
    let (client, _, dialer) = ours.split(Config::DEFAULT, 1);
    let (_, server, acceptor) = theirs.split(incoming, 2);
    let serving = async {
        match is_serving {
            true => serve(server, work).await,
            false => std::future::pending().await,
        }
    };
    let test = Task::new(test(client, server, dialer, acceptor));
    match select(test, Task::new(serving)).await {
        Either::First(output) => output,
        Either::Second(()) => panic!("the server does not end"),
    }
}

/// Waits until calls can be made, or the connection is over.
async fn ready_or(client: Client<'_, CALLS, WINDOW, OUTPUT>, is_over: &Cell<bool>) {
    let _ = select(client.ready(), until(|| is_over.get())).await;
}

/// The calls of a connection; how many succeeded.
async fn calls(client: TestClient<'_>, link: Link) -> usize {
    if link.subprotocol == Subprotocol::Single {
        return usize::from(is_ok(&unary(client, 1, 150).await));
    }
    let call = |seed, len| Task::new(unary(client, seed, len));
    let ((a, b), c) = join(join(call(1, 10), call(2, 100)), call(3, 40)).await;
    client.go_away();
    [a, b, c].iter().filter(|result| is_ok(result)).count()
}

fn is_ok(result: &Result<(), Status>) -> bool {
    result.is_ok()
}

/// A connection that may break, and one that does not; whether the first one did not.
fn break_and_restart(link: Link, polls: usize) -> bool {
    let work = Work::default();
    let test = async |client: TestClient<'_>,
                      _: TestServer<'_>,
                      mut dialer: TestRunner<'_>,
                      mut acceptor: TestRunner<'_>| {
        let is_over = Cell::new(false);
        let driving = async {
            let driven = at_most(link.drive(&mut dialer, &mut acceptor), polls).await;
            is_over.set(true);
            driven
        };
        let calling = async {
            ready_or(client, &is_over).await;
            calls(client, link).await
        };
        let (driven, succeeded) = join(Task::new(driving), Task::new(calling)).await;
        let is_well = driven.is_some() && succeeded == expected(link);
        for _ in 0..20 {
            yield_now().await;
        }
        assert_eq!(
            work.count(),
            0,
            "a call of a connection that is gone is at work: {link:?}"
        );
        assert_usable(client, &mut dialer, &mut acceptor, link.whole()).await;
        is_well
    };
    run(with_devices(&work, test, true))
}

const fn expected(link: Link) -> usize {
    match link.subprotocol {
        Subprotocol::Single => 1,
        Subprotocol::Mux => 3,
    }
}

async fn assert_usable(
    client: TestClient<'_>,
    dialer: &mut TestRunner<'_>,
    acceptor: &mut TestRunner<'_>,
    link: Link,
) {
    let calling = async {
        client.ready().await;
        match link.subprotocol {
            Subprotocol::Mux => assert_all_free(client).await,
            Subprotocol::Single => assert_eq!(unary(client, 1, 150).await, Ok(())),
        }
        client.go_away();
    };
    let (results, ()) = join(link.drive(dialer, acceptor), Task::new(calling)).await;
    let is_well = |result: &Result<(), Error>| {
        matches!(result, Ok(()) | Err(Error::Closed(Some(1000 | 1001))))
    };
    assert!(
        is_well(&results.0) && is_well(&results.1),
        "{results:?} {link:?}"
    );
}

/// Breaks a connection after each number of bytes.
fn break_everywhere(mut link: Link, set: impl Fn(&mut Link, Fault)) {
    for fault in FAULTS {
        set(&mut link, fault);
        for after in (0..).step_by(if link.chunk == 1 { 37 } else { 1 }) {
            link.after = after;
            if break_and_restart(link, usize::MAX) {
                assert!(after > 300, "{after} {link:?}");
                break;
            }
        }
    }
}

#[test]
fn a_client_restarts_wherever_its_transport_breaks() {
    for link in [Link::MUX, Link::SINGLE] {
        break_everywhere(link, |link, fault| link.at_client = fault);
        break_everywhere(Link { chunk: 1, ..link }, |link, fault| {
            link.at_client = fault;
        });
    }
}

#[test]
fn a_server_restarts_wherever_its_transport_breaks() {
    for link in [Link::MUX, Link::SINGLE] {
        break_everywhere(link, |link, fault| link.at_server = fault);
        break_everywhere(Link { chunk: 1, ..link }, |link, fault| {
            link.at_server = fault;
        });
    }
}

#[test]
fn a_runner_may_be_dropped_after_any_number_of_polls() {
    for mut link in [Link::MUX, Link::SINGLE] {
        for chunk in [usize::MAX, 7, 1] {
            link.chunk = chunk;
            let mut polls = 0;
            loop {
                polls += 1 + polls / 50;
                if break_and_restart(link, polls) {
                    break;
                }
            }
        }
    }
}

/// Holds a call of a connection that is dropped, and makes one on the next.
fn hold_and_restart(link: Link) {
    let work = Work::default();
    let test = async |client: TestClient<'_>,
                      server: TestServer<'_>,
                      mut dialer: TestRunner<'_>,
                      mut acceptor: TestRunner<'_>| {
        let (mut ours, mut theirs) = (vec![0; BUFFER], vec![0; BUFFER]);
        let calling = async {
            client.ready().await;
            let call = client.call::<Raw>("/t.T/Unary");
            let (mut sender, receiver) = call.bidi().await.unwrap();
            sender.send(&message(1, 60), &mut ours).await.unwrap();
            (sender, receiver)
        };
        let accepting = server.accept::<Raw>(&mut theirs);
        let both = join(Task::new(calling), Task::new(accepting));
        let Either::First(held) = select(both, link.drive(&mut dialer, &mut acceptor)).await else {
            panic!("the connection ended");
        };
        let ((mut sender, mut receiver), (_, mut incoming)) = held;
        let mut buffer = vec![0; BUFFER];
        let driving = link.drive(&mut dialer, &mut acceptor);
        let next = async {
            client.ready().await;
            let both = join(
                Task::new(unary(client, 5, 150)),
                Task::new(serve_once(server)),
            );
            let using = async {
                for _ in 0..10 {
                    let sent = sender.send(&message(9, 10), &mut buffer).await;
                    assert_eq!(sent.unwrap_err().code(), Code::Unavailable);
                    let read = receiver.message::<&[u8]>(&mut buffer).await;
                    assert_eq!(read.unwrap_err().code(), Code::Unavailable);
                    let sent = incoming.send(&message(9, 10), &mut buffer).await;
                    assert!(sent.is_err());
                    yield_now().await;
                }
            };
            let ((result, ()), ()) = join(both, Task::new(using)).await;
            assert_eq!(result, Ok(()));
            drop((sender, receiver, incoming));
            client.go_away();
        };
        let _ = join(driving, Task::new(next)).await;
    };
    run(with_devices(&work, test, false));
}

async fn serve_once(server: TestServer<'_>) {
    let mut buffer = vec![0; BUFFER];
    let (_, mut call) = server.accept::<Raw>(&mut buffer).await;
    let mut buffer = vec![0; BUFFER];
    let message = call
        .only_message::<&[u8]>(&mut buffer)
        .await
        .unwrap()
        .to_vec();
    call.respond(&message, &mut buffer).await.unwrap();
}

#[test]
fn handles_of_a_connection_have_no_part_in_the_next() {
    hold_and_restart(Link::MUX);
    hold_and_restart(Link::SINGLE);
}

/// All places of the server are held from a connection that is gone: a call is refused, not forgotten.
fn hold_all_and_restart(link: Link) {
    let work = Work::default();
    let test = async |client: TestClient<'_>,
                      server: TestServer<'_>,
                      mut dialer: TestRunner<'_>,
                      mut acceptor: TestRunner<'_>| {
        let mut held = Vec::new();
        while held.len() < CALLS {
            let mut theirs = vec![0; BUFFER];
            let calling = async {
                client.ready().await;
                client.call::<Raw>("/t.T/Unary").bidi().await.unwrap()
            };
            let both = join(
                Task::new(calling),
                Task::new(server.accept::<Raw>(&mut theirs)),
            );
            match select(both, link.drive(&mut dialer, &mut acceptor)).await {
                Either::First((_, (_, incoming))) => held.push(incoming),
                Either::Second(_) => panic!("the connection ended"),
            }
        }
        let is_over = Cell::new(false);
        let calling = async {
            ready_or(client, &is_over).await;
            let refused = unary(client, 1, 150).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unavailable);
            if link.subprotocol == Subprotocol::Mux {
                held.clear();
                let answering = Task::new(serve_once(server));
                let (answered, ()) = join(Task::new(unary(client, 1, 150)), answering).await;
                assert_eq!(answered, Ok(()));
            }
            client.go_away();
        };
        let driving = async {
            let _ = link.drive(&mut dialer, &mut acceptor).await;
            is_over.set(true);
        };
        join(Task::new(driving), Task::new(calling)).await;
    };
    run(with_devices(&work, test, false));
}

#[test]
fn a_call_without_a_place_is_refused() {
    hold_all_and_restart(Link::MUX);
    hold_all_and_restart(Link::SINGLE);
}

#[test]
fn what_is_sent_to_a_call_that_was_answered_does_not_get_into_the_next() {
    let work = Work::default();
    let test = async |client: TestClient<'_>,
                      _: TestServer<'_>,
                      mut dialer: TestRunner<'_>,
                      mut acceptor: TestRunner<'_>| {
        let nothing = Link {
            path: "/t.T/Nothing",
            ..Link::SINGLE
        };
        let calling = async {
            client.ready().await;
            client.call::<Raw>("/t.T/Nothing").bidi().await.unwrap()
        };
        let driving = nothing.drive(&mut dialer, &mut acceptor);
        let (_, (mut sender, mut receiver)) = join(driving, Task::new(calling)).await;
        let mut buffer = vec![0; BUFFER];
        let calling = async {
            client.ready().await;
            let using = async {
                for _ in 0..10 {
                    let sent = sender.send(&message(9, 10), &mut buffer).await;
                    assert_eq!(sent.unwrap_err().code(), Code::Cancelled);
                    yield_now().await;
                }
            };
            let calling = Task::new(unary(client, 1, 150));
            let (result, ()) = join(calling, Task::new(using)).await;
            assert_eq!(result, Ok(()));
        };
        let _ = join(
            Link::SINGLE.drive(&mut dialer, &mut acceptor),
            Task::new(calling),
        )
        .await;
        // What came before can still be read.
        let mut buffer = vec![0; BUFFER];
        let end = receiver.message::<&[u8]>(&mut buffer).await;
        assert_eq!(end.unwrap_err().code(), Code::Unimplemented);
    };
    run(with_devices(&work, test, true));
}
