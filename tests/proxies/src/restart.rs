//! Gateways that are restarted one after the other while clients call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tonic::Status;

use crate::calls::{self, Talk};
use crate::gateway::Gateway;
use crate::proxy::Proxy;
use crate::way::{Client, Way};

/// How many tasks make the same calls.
const TASKS: usize = 2;

/// How many requests a stream has, and the time between them.
const REQUESTS: u32 = 15;
const PAUSE: Duration = Duration::from_millis(100);

/// The time between two calls of a task.
const BETWEEN_CALLS: Duration = Duration::from_millis(4);

/// How long a gateway is ready before the next is restarted: HAProxy looks each second.
const BETWEEN_RESTARTS: Duration = Duration::from_secs(3);

/// Clients that call until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<Task>,
}

struct Task {
    name: String,
    tally: JoinHandle<Tally>,
}

/// Makes one call.
type Call = fn(Client) -> BoxFuture<'static, Result<(), Status>>;

/// What became of a task's calls.
#[derive(Default)]
struct Tally {
    good: u32,
    bad: Vec<Status>,
}

impl Load {
    fn start(proxies: &[&Proxy]) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            tasks: Vec::new(),
        };
        for proxy in proxies {
            for way in Way::ALL {
                load.call(proxy, way);
            }
        }
        load
    }

    fn call(&mut self, proxy: &Proxy, way: Way) {
        let client = way.client(proxy);
        for _ in 0..TASKS {
            let name = format!("{}, {}", proxy.name, way.name());
            let task = repeat(Arc::clone(&self.stop), client.clone(), one_unary);
            self.push(format!("{name}, unary"), task);
            if way != Way::GrpcWeb {
                let task = repeat(Arc::clone(&self.stop), client.clone(), one_stream);
                self.push(format!("{name}, streams"), task);
            }
        }
    }

    fn push(&mut self, name: String, task: impl Future<Output = Tally> + Send + 'static) {
        let tally = tokio::spawn(task);
        self.tasks.push(Task { name, tally });
    }

    /// Stops it, and fails if a call did.
    async fn check(self) {
        self.stop.store(true, Ordering::Relaxed);
        let mut is_good = true;
        for Task { name, tally } in self.tasks {
            let Tally { good, bad } = tally.await.unwrap();
            println!("{name}: {good} good, {} bad", bad.len());
            for status in bad.iter().take(3) {
                println!("  {status}");
            }
            is_good &= good > 0 && bad.is_empty();
        }
        assert!(is_good, "calls were lost");
    }
}

/// Makes calls until it is told to stop.
async fn repeat(stop: Arc<AtomicBool>, client: Client, call: Call) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        match call(client.clone()).await {
            Ok(()) => tally.good += 1,
            Err(status) => tally.bad.push(status),
        }
        sleep(BETWEEN_CALLS).await;
    }
    tally
}

fn one_unary(client: Client) -> BoxFuture<'static, Result<(), Status>> {
    calls::unary(client, 100).boxed()
}

fn one_stream(client: Client) -> BoxFuture<'static, Result<(), Status>> {
    let call = async {
        let mut talk = Talk::begin(client, "").await?;
        for _ in 0..REQUESTS {
            talk.say(100).await?;
            sleep(PAUSE).await;
        }
        talk.end().await
    };
    call.boxed()
}

/// Restarts both gateways, and fails if a call does.
pub(crate) async fn check(proxies: &[&Proxy], gateways: [&mut Gateway; 2]) {
    let load = Load::start(proxies);
    sleep(Duration::from_secs(1)).await;
    let [one, two] = gateways;
    restart(one).await;
    sleep(BETWEEN_RESTARTS).await;
    restart(two).await;
    load.check().await;
    // The second was away: its calls went to the first.
    let counts = Way::ALL.map(|way| one.handled(way.name()));
    let counts = join_all(counts).await;
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

async fn restart(gateway: &mut Gateway) {
    gateway.terminate();
    gateway.start_again().await;
}
