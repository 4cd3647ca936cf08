//! A device that answers.

use grpc_websocket_codegen_stubs::micropb::golden::r#type::_Self;
use grpc_websocket_codegen_stubs::micropb::golden::types::v1::Point;
use grpc_websocket_codegen_stubs::micropb::golden::v1::everything_server::Everything;
use grpc_websocket_codegen_stubs::micropb::golden::v1::nothing_server::Nothing;
use grpc_websocket_codegen_stubs::micropb::golden::v1::{Item, Item_, Query, Summary};
use grpc_websocket_codegen_stubs::micropb::google::protobuf::Empty;
use grpc_websocket_embassy::stub::{Requests, Responses};
use grpc_websocket_embassy::{Code, Status};

/// All kinds: "never" is not answered, and nothing is invalid.
pub(crate) struct Answers;

impl Everything for Answers {
    async fn unary(&self, request: Item) -> Result<Summary, Status> {
        match request.string.as_str() {
            "never" => std::future::pending().await,
            "" => Err(Status::new(Code::InvalidArgument, "nothing")),
            string => Ok(Summary {
                count: 1,
                text: string.try_into().unwrap(),
            }),
        }
    }

    async fn collect(
        &self,
        requests: &mut impl Requests<Item>,
        buffer: &mut [u8],
    ) -> Result<Summary, Status> {
        let mut summary = Summary::default();
        while let Some(item) = requests.message(buffer).await? {
            summary.count += item.uint32;
        }
        Ok(summary)
    }

    async fn list(
        &self,
        request: Query,
        responses: &mut impl Responses<Item>,
        buffer: &mut [u8],
    ) -> Result<(), Status> {
        for uint32 in 0..request.count {
            let item = Item {
                uint32,
                ..Item::default()
            };
            responses.send(&item, buffer).await?;
        }
        Ok(())
    }

    async fn exchange(
        &self,
        requests: &mut impl Requests<Point>,
        responses: &mut impl Responses<Point>,
        buffer: &mut [u8],
    ) -> Result<(), Status> {
        while let Some(Point { x, y }) = requests.message(buffer).await? {
            responses.send(&Point { x: -x, y: -y }, buffer).await?;
        }
        Err(Status::new(Code::OutOfRange, "no more"))
    }

    async fn ping(&self, request: Empty) -> Result<Empty, Status> {
        Ok(request)
    }

    async fn get_http_status(&self, request: Item_::Part) -> Result<_Self, Status> {
        let detail = request.detail().cloned().unwrap_or_default();
        Ok(_Self {
            r#type: detail.text,
            ..Default::default()
        })
    }
}

impl Nothing for Answers {
    async fn unary(&self, request: Query) -> Result<Query, Status> {
        Ok(request)
    }
}
