//! The server that the example device calls.

use std::pin::Pin;
use std::time::Duration;

use tokio_stream::{Stream, StreamExt as _};
use tonic::metadata::MetadataValue;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::proto::telemetry_server::{self, TelemetryServer};
use crate::proto::{Command, Outcome, Reading, Receipt, Settings, WatchRequest};

type Messages<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;
type Answer<M> = Result<Response<M>, Status>;

/// `device.v1.Telemetry`.
///
/// `Report` gives the metadata `x-echo` back, initial, and fails for readings of the serial `bad`,
/// as does `Stream` at the first of them. `Watch` has three settings, `Commands` three commands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Telemetry;

impl Telemetry {
    /// As tonic's routes.
    #[must_use]
    pub fn routes() -> Routes {
        Routes::new(TelemetryServer::new(Self))
    }

    /// The status of a bad reading.
    #[must_use]
    pub fn bad() -> Status {
        let mut status = Status::new(Code::FailedPrecondition, "na\u{ef}ve: 100 % \u{1f321}");
        let reason = MetadataValue::from_bytes(b"\0\xff");
        status.metadata_mut().insert_bin("x-reason-bin", reason);
        status
    }
}

fn check(reading: &Reading) -> Result<(), Status> {
    match reading.serial.as_str() {
        "bad" => Err(Telemetry::bad()),
        _ => Ok(()),
    }
}

#[tonic::async_trait]
impl telemetry_server::Telemetry for Telemetry {
    type WatchStream = Messages<Settings>;
    type CommandsStream = Messages<Command>;

    async fn report(&self, request: Request<Reading>) -> Answer<Receipt> {
        check(request.get_ref())?;
        let mut response = Response::new(Receipt { readings: 1 });
        if let Some(echo) = request.metadata().get("x-echo") {
            response.metadata_mut().insert("x-echo", echo.clone());
        }
        Ok(response)
    }

    async fn stream(&self, request: Request<Streaming<Reading>>) -> Answer<Receipt> {
        let mut messages = request.into_inner();
        let mut readings = 0;
        while let Some(reading) = messages.message().await? {
            check(&reading)?;
            readings += 1;
        }
        Ok(Response::new(Receipt { readings }))
    }

    async fn watch(&self, _: Request<WatchRequest>) -> Answer<Self::WatchStream> {
        let settings = [10, 20, 30].map(|period_milliseconds| {
            Ok(Settings {
                period_milliseconds,
            })
        });
        let slowly = tokio_stream::iter(settings).throttle(Duration::from_millis(10));
        Ok(Response::new(Box::pin(slowly)))
    }

    async fn commands(&self, request: Request<Streaming<Outcome>>) -> Answer<Self::CommandsStream> {
        let command = |id| Command {
            id,
            name: "open".to_owned(),
        };
        let mut outcomes = request.into_inner();
        let (commands, stream) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            for id in 1..=3 {
                if commands.send(Ok(command(id))).await.is_err() {
                    return;
                }
                let outcome = outcomes.message().await;
                if !matches!(&outcome, Ok(Some(outcome)) if outcome.id == id && outcome.done) {
                    let wrong = Status::internal(format!("{outcome:?} of command {id}"));
                    let _ = commands.send(Err(wrong)).await;
                }
            }
        });
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        Ok(Response::new(Box::pin(stream)))
    }
}
