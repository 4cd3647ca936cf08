#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
/// Reserved as a message.
#[derive(Debug, Default, Clone)]
pub struct _Self {
    pub r#type: ::heapless::String<16>,
    pub _self: bool,
    pub r#match: u32,
    /// *Note:* The presence of this field is tracked separately in the `_has` field. It's recommended to access this field via the accessor rather than directly.
    pub r#struct: Impl,
    /// Tracks presence of optional and message fields
    pub _has: Self_::_Hazzer,
}
#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
/// Inner types for `Self`
pub mod Self_ {
    /// Compact bitfield for tracking presence of optional and message fields
    #[derive(Debug, Default, PartialEq, Clone, Copy)]
    pub struct _Hazzer([u8; 1]);
}
#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
#[derive(Debug, Default, PartialEq, Clone, Copy)]
pub struct Impl {
    pub r#impl: bool,
}
/// Makes calls of `golden.type.Crate`.
#[allow(
    dead_code,
    unreachable_pub,
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags
)]
pub mod crate_client {
    use ::grpc_websocket_embassy as grpc;
    /// How long a buffer for the messages of `/golden.type.Crate/Self` should be.
    pub const SELF_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        ],
    );
    /// How long a buffer for the messages of `/golden.type.Crate/Super` should be.
    pub const SUPER_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        ],
    );
    /// How long a buffer for the messages of `/golden.type.Crate/Move` should be.
    pub const MOVE_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        ],
    );
    /// How long a buffer for the messages of `/golden.type.Crate/Async` should be.
    pub const ASYNC_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        ],
    );
    /// Reserved as a service.
    ///
    /// Makes calls of `golden.type.Crate`.
    #[derive(Debug, Clone, Copy)]
    pub struct CrateClient<'a, const N: usize, const W: usize, const T: usize> {
        calls: grpc::stub::Calls<'a, grpc::codec::Micropb, N, W, T>,
    }
    impl<'a, const N: usize, const W: usize, const T: usize> CrateClient<'a, N, W, T> {
        /// Makes calls on the connection of a client.
        #[must_use]
        pub const fn new(client: grpc::Client<'a, N, W, T>) -> Self {
            Self {
                calls: grpc::stub::Calls::new(client),
            }
        }
        /// The same client, whose calls end with `DEADLINE_EXCEEDED` when they are not over in
        /// that time.
        #[must_use]
        pub const fn with_timeout(self, timeout: grpc::stub::Duration) -> Self {
            Self {
                calls: self.calls.with_timeout(timeout),
            }
        }
        /// The same client, which sends metadata with each call.
        #[must_use]
        pub fn with_metadata<const L: usize>(
            self,
            metadata: &'a grpc::Metadata<L>,
        ) -> Self {
            Self {
                calls: self.calls.with_metadata(metadata),
            }
        }
        /// The buffer has to take the longer of the messages.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn self_<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &super::_Self,
            buffer: &mut B,
        ) -> Result<super::_Self, grpc::Status> {
            self.calls.unary("/golden.type.Crate/Self", request, buffer).await
        }
        /// The buffer is for the request.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn super_<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &super::_Self,
            buffer: &mut B,
        ) -> Result<
            grpc::stub::Receiver<'a, super::_Self, grpc::codec::Micropb, N, W, T>,
            grpc::Status,
        > {
            self.calls
                .server_streaming("/golden.type.Crate/Super", request, buffer)
                .await
        }
        /// Requests are for what it gives to send.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn r#move(
            &self,
        ) -> Result<
            grpc::stub::Upload<
                'a,
                super::_Self,
                super::_Self,
                grpc::codec::Micropb,
                N,
                W,
                T,
            >,
            grpc::Status,
        > {
            self.calls.client_streaming("/golden.type.Crate/Move").await
        }
        /// Requests go by the one, responses come by the other.
        ///
        /// # Errors
        /// The status of the call.
        #[allow(clippy::type_complexity)]
        pub async fn r#async(
            &self,
        ) -> Result<
            (
                grpc::stub::Sender<'a, super::_Self, grpc::codec::Micropb, N, W, T>,
                grpc::stub::Receiver<'a, super::_Self, grpc::codec::Micropb, N, W, T>,
            ),
            grpc::Status,
        > {
            self.calls.bidi("/golden.type.Crate/Async").await
        }
    }
}
/// Answers calls of `golden.type.Crate`.
#[allow(
    dead_code,
    unreachable_pub,
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags
)]
pub mod crate_server {
    use ::grpc_websocket_embassy as grpc;
    /// How long a buffer for the messages of `golden.type.Crate` should be. The metadata of a request has to fit, too.
    pub const BUFFER: usize = grpc::stub::buffer_len(MESSAGES);
    const MESSAGES: &[Option<usize>] = &[
        <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::_Self as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
    ];
    /// Reserved as a service.
    ///
    /// What answers the calls of `golden.type.Crate`.
    #[allow(async_fn_in_trait)]
    pub trait Crate {
        /// It is dropped when the client leaves or its time is over.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn self_(
            &self,
            request: super::_Self,
        ) -> Result<super::_Self, grpc::Status>;
        /// The buffer takes each of the messages.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn super_(
            &self,
            request: super::_Self,
            responses: &mut impl grpc::stub::Responses<super::_Self>,
            buffer: &mut [u8],
        ) -> Result<(), grpc::Status>;
        /// The buffer takes each of the messages.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn r#move(
            &self,
            requests: &mut impl grpc::stub::Requests<super::_Self>,
            buffer: &mut [u8],
        ) -> Result<super::_Self, grpc::Status>;
        /// The buffer takes each of the messages.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn r#async(
            &self,
            requests: &mut impl grpc::stub::Requests<super::_Self>,
            responses: &mut impl grpc::stub::Responses<super::_Self>,
            buffer: &mut [u8],
        ) -> Result<(), grpc::Status>;
    }
    /// A method of `golden.type.Crate`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CrateMethod {
        /// `/golden.type.Crate/Self`
        Self_,
        /// `/golden.type.Crate/Super`
        Super,
        /// `/golden.type.Crate/Move`
        Move,
        /// `/golden.type.Crate/Async`
        Async,
    }
    /// Answers the calls of `golden.type.Crate` by a [`Crate`].
    #[derive(Debug)]
    pub struct CrateServer<'s, S> {
        service: &'s S,
    }
    impl<S> Clone for CrateServer<'_, S> {
        fn clone(&self) -> Self {
            *self
        }
    }
    impl<S> Copy for CrateServer<'_, S> {}
    impl<'s, S: Crate> CrateServer<'s, S> {
        /// A server; see [`Service::serve`](grpc::stub::Service::serve).
        #[must_use]
        pub const fn new(service: &'s S) -> Self {
            Self { service }
        }
    }
    impl<S: Crate> grpc::stub::Service<grpc::codec::Micropb> for CrateServer<'_, S> {
        type Method = CrateMethod;
        const MAX_LEN: Option<usize> = grpc::stub::longest(MESSAGES);
        fn find(&self, path: &str) -> Option<CrateMethod> {
            match path {
                "/golden.type.Crate/Self" => Some(CrateMethod::Self_),
                "/golden.type.Crate/Super" => Some(CrateMethod::Super),
                "/golden.type.Crate/Move" => Some(CrateMethod::Move),
                "/golden.type.Crate/Async" => Some(CrateMethod::Async),
                _ => None,
            }
        }
        async fn answer<const N: usize, const W: usize, const T: usize>(
            &self,
            method: CrateMethod,
            call: &mut grpc::Incoming<'_, grpc::codec::Micropb, N, W, T>,
            buffer: &mut [u8],
        ) -> Result<(), grpc::Status> {
            match method {
                CrateMethod::Self_ => {
                    grpc::stub::unary(
                            call,
                            buffer,
                            |request| self.service.self_(request),
                        )
                        .await
                }
                CrateMethod::Super => {
                    let request = call.only_message(buffer).await?;
                    let (_, responses) = call.split();
                    self.service.super_(request, responses, buffer).await
                }
                CrateMethod::Move => {
                    let (requests, responses) = call.split();
                    let response = self.service.r#move(requests, buffer).await?;
                    responses.send(&response, buffer).await
                }
                CrateMethod::Async => {
                    let (requests, responses) = call.split();
                    self.service.r#async(requests, responses, buffer).await
                }
            }
        }
    }
}
