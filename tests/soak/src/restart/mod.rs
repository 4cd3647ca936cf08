//! Restarts of a server under load: no call that was made is lost, and none is made twice.

mod service;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use grpc_websocket_tokio::{Backoff, Channel, Endpoint, Subprotocols, serve_with_shutdown};
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::StreamExt as _;
use tonic::client::Grpc;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use self::service::{BIDI, Soak, UNARY};
use crate::BoxError;

/// How long a call may wait for the server to come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// The messages of a bidirectional call, and the pause between them.
const MESSAGES: u64 = 10;
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many restarts
    #[arg(long, default_value_t = 30)]
    restarts: usize,

    /// How many callers there are by each subprotocol; every other one makes bidirectional calls
    #[arg(long, default_value_t = 16)]
    callers: usize,

    /// How long each server runs, in milliseconds
    #[arg(long, default_value_t = 1000)]
    uptime: u64,

    /// How long nobody listens in between, in milliseconds
    #[arg(long, default_value_t = 100)]
    downtime: u64,
}

/// What all callers share.
#[derive(Default)]
struct Load {
    is_over: AtomicBool,
    next: AtomicU64,
    streams: AtomicU64,
}

/// Runs as the command line says.
pub(crate) async fn run(options: &Options) -> Result<(), BoxError> {
    let (soak, load) = (Soak::default(), Arc::new(Load::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut server = Server::start(listener, &soak);
    let callers = callers(address, options, &load)?;
    let mut slowest = Duration::ZERO;
    for _ in 0..options.restarts {
        sleep(Duration::from_millis(options.uptime)).await;
        let ends = server.stop();
        sleep(Duration::from_millis(options.downtime)).await;
        server = Server::start(bind(address).await?, &soak);
        slowest = slowest.max(ends.await??);
    }
    load.is_over.store(true, Ordering::Relaxed);
    let results: Vec<_> = callers.join_all().await;
    server.stop().await??;
    println!(
        "{} restarts; the slowest end took {slowest:.2?}",
        options.restarts
    );
    check(&soak, &load, results)
}

/// A server that runs.
struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    fn start(listener: TcpListener, soak: &Soak) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let soak = soak.clone();
        let task = tokio::spawn(serve_with_shutdown(listener, soak, async {
            let _ = stopped.await;
        }));
        Self { stop, task }
    }

    /// Begins its end, which tells how long it took.
    fn stop(self) -> JoinHandle<std::io::Result<Duration>> {
        let begun = Instant::now();
        let _ = self.stop.send(());
        tokio::spawn(async move {
            self.task.await.map_err(std::io::Error::other)??;
            Ok(begun.elapsed())
        })
    }
}

/// The same address again, as soon as the server before let go of it.
async fn bind(address: SocketAddr) -> Result<TcpListener, BoxError> {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

fn callers(
    address: SocketAddr,
    options: &Options,
    load: &Arc<Load>,
) -> Result<JoinSet<Result<(), Status>>, BoxError> {
    let mut callers = JoinSet::new();
    for subprotocols in [Subprotocols::Mux, Subprotocols::Single] {
        let channel = Endpoint::new(format!("ws://{address}"))?
            .subprotocols(subprotocols)
            .backoff(Backoff::new(
                Duration::from_millis(20),
                Duration::from_millis(200),
            ))
            .wait_for_ready(true)
            .connect_lazy();
        for number in 0..options.callers {
            let (channel, load) = (channel.clone(), Arc::clone(load));
            callers.spawn(async move {
                let called = keep_calling(channel, &load, number % 2 == 0).await;
                called.map_err(|status| {
                    Status::new(
                        status.code(),
                        format!("{subprotocols:?}: {}", status.message()),
                    )
                })
            });
        }
    }
    Ok(callers)
}

/// Makes one call after the other until the load is over or one fails.
async fn keep_calling(channel: Channel, load: &Load, unary: bool) -> Result<(), Status> {
    while !load.is_over.load(Ordering::Relaxed) {
        let call = async {
            if unary {
                let number = load.next.fetch_add(1, Ordering::Relaxed);
                call_unary(channel.clone(), number).await
            } else {
                load.streams.fetch_add(1, Ordering::Relaxed);
                call_bidi(channel.clone()).await
            }
        };
        let called = timeout(PATIENCE, call).await;
        called.unwrap_or_else(|_| Err(Status::aborted("no answer in time")))?;
    }
    Ok(())
}

async fn call_unary(channel: Channel, number: u64) -> Result<(), Status> {
    let codec = ProstCodec::<u64, u64>::default();
    let path = PathAndQuery::from_static(UNARY);
    let answer = Grpc::new(channel)
        .unary(Request::new(number), path, codec)
        .await?;
    same(answer.into_inner(), number)
}

/// Says numbers, each after the answer to the one before had its time.
async fn call_bidi(channel: Channel) -> Result<(), Status> {
    let codec = ProstCodec::<u64, u64>::default();
    let path = PathAndQuery::from_static(BIDI);
    let numbers = tokio_stream::iter(0..MESSAGES).then(|number| async move {
        sleep(PAUSE).await;
        number
    });
    let request = Request::new(numbers);
    let answer = Grpc::new(channel).streaming(request, path, codec).await?;
    let mut answers = answer.into_inner();
    let mut expected = 0;
    while let Some(number) = answers.message().await? {
        same(number, expected)?;
        expected += 1;
    }
    same(expected, MESSAGES)
}

fn same(got: u64, expected: u64) -> Result<(), Status> {
    let wrong = || Status::data_loss(format!("{got} in place of {expected}"));
    (got == expected).then_some(()).ok_or_else(wrong)
}

/// Whether each call was made once, and none failed.
fn check(soak: &Soak, load: &Load, results: Vec<Result<(), Status>>) -> Result<(), BoxError> {
    let unary = load.next.load(Ordering::Relaxed);
    let streams = load.streams.load(Ordering::Relaxed);
    let (once, made) = (soak.asked(1), soak.calls());
    println!(
        "{unary} unary calls, of which {once} were made once and {} more often; {streams} \
         bidirectional calls with {} messages",
        made - once,
        soak.messages()
    );
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    for status in &failed {
        println!("failed: {status}");
    }
    let all = failed.is_empty() && u64::try_from(once)? == unary && once == made;
    let all = all && soak.messages() == streams * MESSAGES;
    all.then_some(())
        .ok_or("calls were lost or made twice".into())
}
