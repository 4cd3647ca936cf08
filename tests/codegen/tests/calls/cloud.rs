//! A server of tonic that answers just the same.

use std::pin::Pin;

use grpc_websocket_codegen_tests::tonic::golden::r#type::Self_;
use grpc_websocket_codegen_tests::tonic::golden::types::v1::Point;
use grpc_websocket_codegen_tests::tonic::golden::v1::everything_server::Everything;
use grpc_websocket_codegen_tests::tonic::golden::v1::item::Part;
use grpc_websocket_codegen_tests::tonic::golden::v1::{Item, Query, Summary};
use tokio_stream::{Stream, StreamExt as _};

/// As the device, and `x-with` is given back.
pub(crate) struct CloudAnswers;

type Answer<M> = Result<tonic::Response<M>, tonic::Status>;
type Messages<M> = Pin<Box<dyn Stream<Item = Result<M, tonic::Status>> + Send>>;

#[tonic::async_trait]
impl Everything for CloudAnswers {
    async fn unary(&self, request: tonic::Request<Item>) -> Answer<Summary> {
        let with = request.metadata().get("x-with").cloned();
        let text = request.into_inner().string;
        match (text.as_str(), with) {
            ("", _) => Err(tonic::Status::invalid_argument("nothing")),
            ("never", _) => std::future::pending().await,
            ("with", Some(with)) => {
                let text = with.to_str().unwrap().to_owned();
                Ok(tonic::Response::new(Summary { count: 1, text }))
            }
            _ => Ok(tonic::Response::new(Summary { count: 1, text })),
        }
    }

    async fn collect(&self, request: tonic::Request<tonic::Streaming<Item>>) -> Answer<Summary> {
        let mut items = request.into_inner();
        let mut summary = Summary::default();
        while let Some(item) = items.message().await? {
            summary.count += item.uint32;
        }
        Ok(tonic::Response::new(summary))
    }

    type ListStream = Messages<Item>;

    async fn list(&self, request: tonic::Request<Query>) -> Answer<Self::ListStream> {
        let items = (0..request.into_inner().count).map(|uint32| {
            Ok(Item {
                uint32,
                ..Item::default()
            })
        });
        Ok(tonic::Response::new(Box::pin(tokio_stream::iter(
            items.collect::<Vec<_>>(),
        ))))
    }

    type ExchangeStream = Messages<Point>;

    async fn exchange(
        &self,
        request: tonic::Request<tonic::Streaming<Point>>,
    ) -> Answer<Self::ExchangeStream> {
        let points = request.into_inner().map(|point| {
            let Point { x, y } = point?;
            Ok(Point { x: -x, y: -y })
        });
        let end = tokio_stream::once(Err(tonic::Status::out_of_range("no more")));
        Ok(tonic::Response::new(Box::pin(points.chain(end))))
    }

    async fn ping(&self, _: tonic::Request<()>) -> Answer<()> {
        Ok(tonic::Response::new(()))
    }

    async fn get_http_status(&self, request: tonic::Request<Part>) -> Answer<Self_> {
        let detail = request.into_inner().detail.unwrap_or_default();
        Ok(tonic::Response::new(Self_ {
            r#type: detail.text,
            ..Default::default()
        }))
    }
}
