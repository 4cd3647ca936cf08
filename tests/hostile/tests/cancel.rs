//! Futures that are dropped at every await point: no byte of another call is lost, no handler, no
//! place and no descriptor is left behind.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use grpc_websocket_hostile::calls::{BOTH, call, endpoint, unary};
use grpc_websocket_hostile::polls::dropped_after;
use grpc_websocket_hostile::{HostileServer, Probe, routes};
use grpc_websocket_tokio::{
    Channel, GracefulShutdown, Registry, RegistryEvent, Server, Subprotocols, WebSocketLayer,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{StreamExt as _, iter, pending};
use tonic::Status;

/// How many calls the server takes at a time.
const PLACES: usize = 4;

/// Nothing takes longer.
const LIMIT: Duration = Duration::from_secs(10);

/// More polls than any future here needs.
const MOST_POLLS: usize = 200;

/// A server with little room: few calls, small windows.
async fn serve() -> (SocketAddr, Probe) {
    let layer = WebSocketLayer::new()
        .max_concurrent_calls(PLACES.try_into().expect("a few"))
        .call_window_len(1024)
        .max_mux_frame_len(256);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let probe = Probe::default();
    let service = routes(&probe);
    tokio::spawn(async move { Server::new().layer(layer).serve(listener, service).await });
    (address, probe)
}

async fn connect(address: SocketAddr, subprotocol: Subprotocols) -> Channel {
    let endpoint = endpoint(address, subprotocol).call_window_len(1024);
    endpoint.connect().await.expect("a server")
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < LIMIT, "it never is: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// A long conversation, one message at a time, in which no byte may be lost.
async fn converse(channel: Channel, rounds: u8, len: usize) {
    let (sender, receiver) = mpsc::channel(1);
    let answer = call(&channel, "Bidi", ReceiverStream::new(receiver)).await;
    let mut answer = answer.expect("a conversation").into_inner();
    for round in 0..rounds {
        let message = Bytes::from(vec![round; len]);
        sender.send(message.clone()).await.expect("a listener");
        let echoed = answer.message().await.expect("no end").expect("no end");
        assert!(echoed == message, "round {round}");
    }
    drop(sender);
    assert_eq!(answer.message().await.expect("a good end"), None);
}

/// All places are free: so many calls run at once.
async fn assert_all_places_are_free(channel: &Channel, probe: &Probe) {
    until("no handler is left", || probe.live() == 0).await;
    let mut held = JoinSet::new();
    for _ in 0..PLACES {
        let channel = channel.clone();
        held.spawn(async move { call(&channel, "Hold", pending()).await });
    }
    until("all places are used", || probe.live() == PLACES).await;
    drop(held);
    until("and free again", || probe.live() == 0).await;
}

/// Drops what `attempt` makes after 1, 2, 3 ... polls, until it once comes to its end.
async fn at_every_poll<T>(attempt: impl AsyncFn() -> T) -> T {
    for polls in 1..MOST_POLLS {
        // Several times each: what happens between two polls depends on the moment.
        for _ in 0..5 {
            if let Some(output) = dropped_after(polls, attempt()).await
                && polls > 2
            {
                println!("over after {polls} polls");
                return output;
            }
        }
    }
    panic!("not over after {MOST_POLLS} polls");
}

/// A unary call, and a conversation that is read to its end.
async fn download(channel: &Channel, messages: u8) -> Result<usize, Status> {
    let sent = (0..messages).map(|n| Bytes::from(vec![n; 700]));
    let mut answer = call(channel, "Bidi", iter(sent)).await?.into_inner();
    let mut len = 0;
    while let Some(message) = answer.message().await? {
        len += message.len();
    }
    Ok(len)
}

async fn drop_calls_at_every_point() {
    for subprotocol in BOTH {
        let (address, probe) = serve().await;
        let channel = connect(address, subprotocol).await;
        let other = tokio::spawn(converse(channel.clone(), 200, 3000));
        let answer = at_every_poll(async || unary(&channel, "Unary", &[7; 5000]).await).await;
        assert_eq!(answer.expect("an answer").len(), 5000);
        let len = at_every_poll(async || download(&channel, 20).await).await;
        assert_eq!(len.expect("all of it"), 14_000);
        timeout(LIMIT, other)
            .await
            .expect("in time")
            .expect("exact");
        assert_all_places_are_free(&channel, &probe).await;
    }
}

#[tokio::test]
async fn calls_that_are_dropped_at_every_point_leave_no_trace() {
    drop_calls_at_every_point().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_several_threads() {
    drop_calls_at_every_point().await;
}

#[tokio::test]
async fn waiting_for_a_place_can_be_given_up() {
    let (address, probe) = serve().await;
    let channel = connect(address, Subprotocols::Mux).await;
    let mut held = JoinSet::new();
    for _ in 0..PLACES {
        let channel = channel.clone();
        held.spawn(async move { call(&channel, "Hold", pending()).await });
    }
    until("all places are used", || probe.live() == PLACES).await;
    for polls in 1..20 {
        let waiting = dropped_after(polls, unary(&channel, "Unary", b"x"));
        let given_up = timeout(Duration::from_millis(2), waiting).await;
        assert!(!matches!(given_up, Ok(Some(_))), "there is no place");
    }
    assert_eq!(probe.begun(), PLACES, "none was begun");
    drop(held);
    assert_all_places_are_free(&channel, &probe).await;
}

/// Reads so many messages of a long answer, polls for the next one `polls` times, and drops all of it.
async fn leave(channel: &Channel, messages: usize, polls: usize) {
    let answer = call(channel, "Download", iter([Bytes::from("100")])).await;
    let mut answer = answer.expect("a head").into_inner();
    for _ in 0..messages {
        answer.message().await.expect("a message").expect("one");
    }
    dropped_after(polls, answer.message()).await;
}

#[tokio::test]
async fn answers_that_are_dropped_at_every_point_leave_no_trace() {
    for subprotocol in BOTH {
        let (address, probe) = serve().await;
        let channel = connect(address, subprotocol).await;
        let other = tokio::spawn(converse(channel.clone(), 100, 3000));
        for messages in 0..3 {
            for polls in 0..20 {
                let left = leave(&channel, messages, polls);
                timeout(LIMIT, left).await.expect("an end");
            }
        }
        timeout(LIMIT, other)
            .await
            .expect("in time")
            .expect("exact");
        assert_all_places_are_free(&channel, &probe).await;
    }
}

/// The open descriptors of this process.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_message_future_that_is_dropped_loses_no_message() {
    for subprotocol in BOTH {
        let (address, _) = serve().await;
        let channel = connect(address, subprotocol).await;
        let sent = (0..100_u8).map(|n| Bytes::from(vec![n; 1500]));
        let answer = call(&channel, "Bidi", iter(sent)).await;
        let mut answer = answer.expect("a head").into_inner();
        let mut next = 0;
        loop {
            let message = dropped_after(1, answer.message()).await;
            match message.transpose().expect("no error") {
                None => tokio::task::yield_now().await,
                Some(None) => break,
                Some(Some(message)) => {
                    assert_eq!(message, vec![next; 1500]);
                    next += 1;
                }
            }
        }
        assert_eq!(next, 100, "{subprotocol:?}");
    }
}

#[tokio::test]
async fn connecting_that_is_dropped_at_every_point_leaves_nothing() {
    for subprotocol in BOTH {
        let (address, probe) = serve().await;
        drop(connect(address, subprotocol).await);
        let metrics = tokio::runtime::Handle::current().metrics();
        sleep(Duration::from_millis(50)).await;
        let (tasks, before) = (metrics.num_alive_tasks(), descriptors());
        for _ in 0..10 {
            for polls in 1..10 {
                dropped_after(polls, connect(address, subprotocol)).await;
            }
        }
        let channel = connect(address, subprotocol).await;
        assert_all_places_are_free(&channel, &probe).await;
        drop(channel);
        until("no task is left", || metrics.num_alive_tasks() <= tasks).await;
        // Other tests of this process have theirs.
        until("no descriptor is left", || descriptors() <= before + 40).await;
    }
}

#[tokio::test]
async fn connecting_to_a_silent_server_ends_with_the_future() {
    for is_upgraded in [false, true] {
        let (sender, mut ends) = mpsc::unbounded_channel();
        let server = HostileServer::start(move |client, _| {
            let mut client = if is_upgraded {
                client.upgraded()
            } else {
                client
            };
            // The end of the connection, or the Close.
            let begun = Instant::now();
            client.until_close();
            let _ = sender.send(begun.elapsed());
        });
        for subprotocol in [Subprotocols::Mux, Subprotocols::Any] {
            let endpoint = endpoint(server.address, subprotocol);
            let connecting = timeout(Duration::from_millis(100), endpoint.connect());
            assert!(connecting.await.is_err(), "it is silent");
            let took = timeout(LIMIT, ends.recv()).await.expect("an end");
            let took = took.expect("an end");
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
    }
}

#[tokio::test]
async fn events_that_are_waited_for_in_vain_are_not_lost() {
    let devices = Registry::new(|head| {
        let serial = head.headers.get("x-serial")?.to_str().ok()?;
        Some(serial.to_owned())
    });
    let layer = WebSocketLayer::new().registry(&devices);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let service = routes(&Probe::default());
    tokio::spawn(async move { Server::new().layer(layer).serve(listener, service).await });
    let mut events = devices.events();
    assert!(dropped_after(1, events.next()).await.is_none());
    let device = endpoint(address, Subprotocols::Mux)
        .header(
            "x-serial".parse().expect("a name"),
            "7".parse().expect("a value"),
        )
        .serve(routes(&Probe::default()), 2)
        .connect_lazy();
    let mut seen = Vec::new();
    let is_first = |seen: &Vec<_>| seen.len() == 1;
    let mut device = Some(device);
    let since = Instant::now();
    while seen.len() < 2 {
        assert!(since.elapsed() < LIMIT, "{seen:?}");
        seen.extend(dropped_after(1, events.next()).await.flatten());
        if is_first(&seen) {
            device.take();
        }
        sleep(Duration::from_millis(1)).await;
    }
    let serial = "7".to_owned();
    let both = [
        RegistryEvent::Connected(serial.clone()),
        RegistryEvent::Disconnected(serial),
    ];
    assert_eq!(seen, both);
}

#[tokio::test]
async fn a_server_that_is_dropped_at_every_point_ends_its_calls() {
    for polls in 1..12 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (probe, shutdown) = (Probe::default(), GracefulShutdown::new());
        let layer = WebSocketLayer::new().graceful_shutdown(&shutdown);
        let service = routes(&probe);
        let server = tokio::spawn(async move {
            let serving = Server::new().layer(layer).serve(listener, service);
            dropped_after(polls, serving).await
        });
        let mut calls = JoinSet::new();
        for n in 0..polls {
            let endpoint = endpoint(address, BOTH[n % 2]);
            calls.spawn(async move {
                let channel = endpoint.connect_lazy();
                let answer = dropped_in(LIMIT, call(&channel, "Hold", pending())).await;
                answer.map(|answer| answer.map(drop))
            });
            sleep(Duration::from_millis(2)).await;
        }
        assert!(dropped_after(1, shutdown.done()).await.is_none());
        // What the dropped server had accepted goes on, until it is told otherwise.
        server.abort();
        shutdown.abort();
        timeout(LIMIT, shutdown.done()).await.expect("an end");
        while let Some(end) = calls.join_next().await {
            let end = end.expect("no panic").expect("an end in time");
            assert!(end.is_err(), "{end:?}");
        }
        until("no handler is left", || probe.live() == 0).await;
    }
}

async fn dropped_in<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    timeout(limit, future).await.ok()
}

/// One of many calls: it may be dropped at any moment, else it is exact.
async fn any_call(channel: Channel, mut random: fastrand::Rng) {
    let (messages, len) = (random.u8(1..20), random.usize(0..3000));
    sleep(Duration::from_micros(random.u64(0..20_000))).await;
    let sent = (0..messages).map(move |n| Bytes::from(vec![n; len]));
    let pause = Duration::from_micros(random.u64(0..500));
    let sent = iter(sent).then(move |message| async move {
        sleep(pause).await;
        message
    });
    let whole = async {
        let answer = call(&channel, "Bidi", sent).await;
        let mut answer = answer.expect("a head").into_inner();
        for n in 0..messages {
            let message = answer.message().await.expect("no error").expect("one");
            assert_eq!(message, vec![n; len]);
        }
        assert_eq!(answer.message().await.expect("a good end"), None);
    };
    if random.bool() {
        let after = Duration::from_micros(random.u64(0..30_000));
        let _ = timeout(after, whole).await;
    } else {
        timeout(LIMIT, whole).await.expect("an end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_dropped_at_random_harm_no_other() {
    for subprotocol in BOTH {
        let seed = fastrand::u64(..);
        println!("{subprotocol:?}, seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let (address, probe) = serve().await;
        let channel = connect(address, subprotocol).await;
        let mut calls = JoinSet::new();
        for _ in 0..200 {
            calls.spawn(any_call(channel.clone(), random.fork()));
        }
        while let Some(end) = calls.join_next().await {
            end.expect("exact");
        }
        assert_all_places_are_free(&channel, &probe).await;
    }
}
