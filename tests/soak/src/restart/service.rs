//! A service that knows how often it was asked what.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::sleep;
use tokio_stream::{Stream, StreamExt as _};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

pub(crate) const UNARY: &str = "/soak.v1.Soak/Unary";
pub(crate) const BIDI: &str = "/soak.v1.Soak/Bidi";

/// How long a unary call takes.
const WORK: Duration = Duration::from_millis(20);

type Messages = Pin<Box<dyn Stream<Item = Result<u64, Status>> + Send>>;

/// Answers each number with itself. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Soak(Arc<Counts>);

#[derive(Default)]
struct Counts {
    /// How often each unary call was made, by its number.
    asked: Mutex<Vec<u8>>,
    messages: AtomicU64,
}

impl Soak {
    /// How many unary calls were made so often.
    pub(crate) fn asked(&self, times: u8) -> usize {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|&&asked| asked == times).count()
    }

    /// How many different unary calls were made.
    pub(crate) fn calls(&self) -> usize {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|&&asked| asked > 0).count()
    }

    /// How many messages bidirectional calls had.
    pub(crate) fn messages(&self) -> u64 {
        self.0.messages.load(Ordering::Relaxed)
    }

    fn ask(&self, number: u64) {
        let number = usize::try_from(number).unwrap_or_default();
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() <= number {
            asked.resize(number + 1, 0);
        }
        asked[number] = asked[number].saturating_add(1);
    }

    async fn unary(self, request: Request<u64>) -> Result<Response<u64>, Status> {
        let number = request.into_inner();
        self.ask(number);
        sleep(WORK).await;
        Ok(Response::new(number))
    }

    async fn bidi(self, request: Request<Streaming<u64>>) -> Result<Response<Messages>, Status> {
        let echo = request.into_inner().map(move |message| {
            self.0.messages.fetch_add(1, Ordering::Relaxed);
            message
        });
        Ok(Response::new(Box::pin(echo)))
    }
}

impl NamedService for Soak {
    const NAME: &'static str = "soak.v1.Soak";
}

impl Service<http::Request<Body>> for Soak {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<u64, u64>::default());
            Ok(match request.uri().path() {
                UNARY => {
                    let unary = service_fn(move |request| this.clone().unary(request));
                    grpc.unary(unary, request).await
                }
                BIDI => {
                    let bidi = service_fn(move |request| this.clone().bidi(request));
                    grpc.streaming(bidi, request).await
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}
