#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
/// A field of each type.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Item {
    /// Numbers.
    #[prost(int32, tag = "1")]
    pub int32: i32,
    #[prost(int64, tag = "2")]
    pub int64: i64,
    #[prost(uint32, tag = "3")]
    pub uint32: u32,
    #[prost(uint64, tag = "4")]
    pub uint64: u64,
    #[prost(sint32, tag = "5")]
    pub sint32: i32,
    #[prost(sint64, tag = "6")]
    pub sint64: i64,
    #[prost(fixed32, tag = "7")]
    pub fixed32: u32,
    #[prost(fixed64, tag = "8")]
    pub fixed64: u64,
    #[prost(sfixed32, tag = "9")]
    pub sfixed32: i32,
    #[prost(sfixed64, tag = "10")]
    pub sfixed64: i64,
    #[prost(float, tag = "11")]
    pub float: f32,
    #[prost(double, tag = "12")]
    pub double: f64,
    #[prost(bool, tag = "13")]
    pub bool: bool,
    #[prost(string, tag = "14")]
    pub string: ::prost::alloc::string::String,
    #[prost(bytes = "vec", tag = "15")]
    pub bytes: ::prost::alloc::vec::Vec<u8>,
    /// Present or not.
    #[prost(uint32, optional, tag = "16")]
    pub optional_uint32: ::core::option::Option<u32>,
    #[prost(string, optional, tag = "17")]
    pub optional_string: ::core::option::Option<::prost::alloc::string::String>,
    #[prost(enumeration = "item::Kind", optional, tag = "18")]
    pub optional_kind: ::core::option::Option<i32>,
    #[prost(sint32, repeated, tag = "19")]
    pub numbers: ::prost::alloc::vec::Vec<i32>,
    #[prost(uint32, repeated, packed = "false", tag = "20")]
    pub unpacked: ::prost::alloc::vec::Vec<u32>,
    #[prost(string, repeated, tag = "21")]
    pub strings: ::prost::alloc::vec::Vec<::prost::alloc::string::String>,
    #[prost(bytes = "vec", repeated, tag = "22")]
    pub blobs: ::prost::alloc::vec::Vec<::prost::alloc::vec::Vec<u8>>,
    #[prost(message, repeated, tag = "23")]
    pub parts: ::prost::alloc::vec::Vec<item::Part>,
    #[prost(enumeration = "item::Kind", repeated, tag = "24")]
    pub kinds: ::prost::alloc::vec::Vec<i32>,
    #[prost(btree_map = "string, uint32", tag = "25")]
    pub counts: ::prost::alloc::collections::BTreeMap<
        ::prost::alloc::string::String,
        u32,
    >,
    #[prost(btree_map = "int32, message", tag = "26")]
    pub parts_by_number: ::prost::alloc::collections::BTreeMap<i32, item::Part>,
    #[prost(btree_map = "uint64, bytes", tag = "27")]
    pub blobs_by_number: ::prost::alloc::collections::BTreeMap<
        u64,
        ::prost::alloc::vec::Vec<u8>,
    >,
    #[prost(btree_map = "bool, enumeration(item::Kind)", tag = "28")]
    pub kinds_by_bool: ::prost::alloc::collections::BTreeMap<bool, i32>,
    #[prost(message, optional, tag = "34")]
    pub point: ::core::option::Option<super::types::v1::Point>,
    #[prost(enumeration = "super::types::v1::State", tag = "35")]
    pub state: i32,
    #[prost(message, optional, tag = "36")]
    pub reserved: ::core::option::Option<super::r#type::Self_>,
    #[prost(message, optional, tag = "37")]
    pub empty: ::core::option::Option<()>,
    /// Behind a number of two bytes, and of five.
    #[prost(bool, tag = "2047")]
    pub far: bool,
    #[prost(bool, tag = "536870911")]
    pub farthest: bool,
    /// One of several.
    #[prost(oneof = "item::Choice", tags = "29, 30, 31, 32, 33")]
    pub choice: ::core::option::Option<item::Choice>,
}
#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
/// Nested message and enum types in `Item`.
pub mod item {
    /// A part, which only items have.
    #[derive(Clone, PartialEq, ::prost::Message)]
    pub struct Part {
        #[prost(message, optional, tag = "1")]
        pub detail: ::core::option::Option<part::Detail>,
        #[prost(message, repeated, tag = "2")]
        pub details: ::prost::alloc::vec::Vec<part::Detail>,
        #[prost(enumeration = "Kind", tag = "3")]
        pub kind: i32,
    }
    /// Nested message and enum types in `Part`.
    pub mod part {
        #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
        pub struct Detail {
            #[prost(string, tag = "1")]
            pub text: ::prost::alloc::string::String,
        }
    }
    #[derive(
        Clone,
        Copy,
        Debug,
        PartialEq,
        Eq,
        Hash,
        PartialOrd,
        Ord,
        ::prost::Enumeration
    )]
    #[repr(i32)]
    pub enum Kind {
        Unspecified = 0,
        Small = 1,
        Large = 5,
        /// Below zero.
        Negative = -1,
    }
    /// One of several.
    #[derive(Clone, PartialEq, ::prost::Oneof)]
    pub enum Choice {
        #[prost(uint32, tag = "29")]
        Number(u32),
        #[prost(string, tag = "30")]
        Text(::prost::alloc::string::String),
        #[prost(message, tag = "31")]
        Part(Part),
        #[prost(enumeration = "Kind", tag = "32")]
        Chosen(i32),
        #[prost(bytes, tag = "33")]
        Blob(::prost::alloc::vec::Vec<u8>),
    }
}
#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
pub struct Query {
    /// How many.
    #[prost(uint32, tag = "1")]
    pub count: u32,
}
#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
#[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
pub struct Summary {
    #[prost(uint32, tag = "1")]
    pub count: u32,
    #[prost(string, tag = "2")]
    pub text: ::prost::alloc::string::String,
}
/// Makes calls of `golden.v1.Everything`.
#[allow(
    dead_code,
    unreachable_pub,
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags
)]
pub mod everything_client {
    use ::grpc_websocket_embassy as grpc;
    /// Has methods of all kinds.
    ///
    /// A list of what looks like markup, and is none: [Item], <Item>, https://example.org/, and
    ///
    ///    let code = that_does_not_compile;
    ///
    /// Makes calls of `golden.v1.Everything`.
    #[derive(Debug, Clone, Copy)]
    pub struct EverythingClient<'a, const N: usize, const W: usize, const T: usize> {
        calls: grpc::stub::Calls<'a, grpc::codec::Prost, N, W, T>,
    }
    impl<
        'a,
        const N: usize,
        const W: usize,
        const T: usize,
    > EverythingClient<'a, N, W, T> {
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
        /// One and one.
        ///
        /// The buffer has to take the longer of the messages.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn unary<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &super::Item,
            buffer: &mut B,
        ) -> Result<super::Summary, grpc::Status> {
            self.calls.unary("/golden.v1.Everything/Unary", request, buffer).await
        }
        /// Many and one.
        ///
        /// Requests are for what it gives to send.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn collect(
            &self,
        ) -> Result<
            grpc::stub::Upload<
                'a,
                super::Item,
                super::Summary,
                grpc::codec::Prost,
                N,
                W,
                T,
            >,
            grpc::Status,
        > {
            self.calls.client_streaming("/golden.v1.Everything/Collect").await
        }
        /// One and many.
        ///
        /// The buffer is for the request.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn list<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &super::Query,
            buffer: &mut B,
        ) -> Result<
            grpc::stub::Receiver<'a, super::Item, grpc::codec::Prost, N, W, T>,
            grpc::Status,
        > {
            self.calls
                .server_streaming("/golden.v1.Everything/List", request, buffer)
                .await
        }
        /// Many and many, of another package.
        ///
        /// Requests go by the one, responses come by the other.
        ///
        /// # Errors
        /// The status of the call.
        #[allow(clippy::type_complexity)]
        pub async fn exchange(
            &self,
        ) -> Result<
            (
                grpc::stub::Sender<
                    'a,
                    super::super::types::v1::Point,
                    grpc::codec::Prost,
                    N,
                    W,
                    T,
                >,
                grpc::stub::Receiver<
                    'a,
                    super::super::types::v1::Point,
                    grpc::codec::Prost,
                    N,
                    W,
                    T,
                >,
            ),
            grpc::Status,
        > {
            self.calls.bidi("/golden.v1.Everything/Exchange").await
        }
        /// Messages of Google's.
        ///
        /// The buffer has to take the longer of the messages.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn ping<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &(),
            buffer: &mut B,
        ) -> Result<(), grpc::Status> {
            self.calls.unary("/golden.v1.Everything/Ping", request, buffer).await
        }
        /// The buffer has to take the longer of the messages.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn get_http_status<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &super::item::Part,
            buffer: &mut B,
        ) -> Result<super::super::r#type::Self_, grpc::Status> {
            self.calls
                .unary("/golden.v1.Everything/GetHTTPStatus", request, buffer)
                .await
        }
    }
}
/// Answers calls of `golden.v1.Everything`.
#[allow(
    dead_code,
    unreachable_pub,
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags
)]
pub mod everything_server {
    use ::grpc_websocket_embassy as grpc;
    /// Has methods of all kinds.
    ///
    /// A list of what looks like markup, and is none: [Item], <Item>, https://example.org/, and
    ///
    ///    let code = that_does_not_compile;
    ///
    /// What answers the calls of `golden.v1.Everything`.
    #[allow(async_fn_in_trait)]
    pub trait Everything {
        /// One and one.
        ///
        /// It is dropped when the client leaves or its time is over.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn unary(
            &self,
            request: super::Item,
        ) -> Result<super::Summary, grpc::Status>;
        /// Many and one.
        ///
        /// The buffer takes each of the messages.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn collect(
            &self,
            requests: &mut impl grpc::stub::Requests<super::Item>,
            buffer: &mut [u8],
        ) -> Result<super::Summary, grpc::Status>;
        /// One and many.
        ///
        /// The buffer takes each of the messages.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn list(
            &self,
            request: super::Query,
            responses: &mut impl grpc::stub::Responses<super::Item>,
            buffer: &mut [u8],
        ) -> Result<(), grpc::Status>;
        /// Many and many, of another package.
        ///
        /// The buffer takes each of the messages.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn exchange(
            &self,
            requests: &mut impl grpc::stub::Requests<super::super::types::v1::Point>,
            responses: &mut impl grpc::stub::Responses<super::super::types::v1::Point>,
            buffer: &mut [u8],
        ) -> Result<(), grpc::Status>;
        /// Messages of Google's.
        ///
        /// It is dropped when the client leaves or its time is over.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn ping(&self, request: ()) -> Result<(), grpc::Status>;
        /// It is dropped when the client leaves or its time is over.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn get_http_status(
            &self,
            request: super::item::Part,
        ) -> Result<super::super::r#type::Self_, grpc::Status>;
    }
    /// A method of `golden.v1.Everything`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum EverythingMethod {
        /// `/golden.v1.Everything/Unary`
        Unary,
        /// `/golden.v1.Everything/Collect`
        Collect,
        /// `/golden.v1.Everything/List`
        List,
        /// `/golden.v1.Everything/Exchange`
        Exchange,
        /// `/golden.v1.Everything/Ping`
        Ping,
        /// `/golden.v1.Everything/GetHTTPStatus`
        GetHttpStatus,
    }
    /// Answers the calls of `golden.v1.Everything` by a [`Everything`].
    #[derive(Debug)]
    pub struct EverythingServer<'s, S> {
        service: &'s S,
    }
    impl<S> Clone for EverythingServer<'_, S> {
        fn clone(&self) -> Self {
            *self
        }
    }
    impl<S> Copy for EverythingServer<'_, S> {}
    impl<'s, S: Everything> EverythingServer<'s, S> {
        /// A server; see [`Service::serve`](grpc::stub::Service::serve).
        #[must_use]
        pub const fn new(service: &'s S) -> Self {
            Self { service }
        }
    }
    impl<S: Everything> grpc::stub::Service<grpc::codec::Prost>
    for EverythingServer<'_, S> {
        type Method = EverythingMethod;
        const MAX_LEN: Option<usize> = None;
        fn find(&self, path: &str) -> Option<EverythingMethod> {
            match path {
                "/golden.v1.Everything/Unary" => Some(EverythingMethod::Unary),
                "/golden.v1.Everything/Collect" => Some(EverythingMethod::Collect),
                "/golden.v1.Everything/List" => Some(EverythingMethod::List),
                "/golden.v1.Everything/Exchange" => Some(EverythingMethod::Exchange),
                "/golden.v1.Everything/Ping" => Some(EverythingMethod::Ping),
                "/golden.v1.Everything/GetHTTPStatus" => {
                    Some(EverythingMethod::GetHttpStatus)
                }
                _ => None,
            }
        }
        async fn answer<const N: usize, const W: usize, const T: usize>(
            &self,
            method: EverythingMethod,
            call: &mut grpc::Incoming<'_, grpc::codec::Prost, N, W, T>,
            buffer: &mut [u8],
        ) -> Result<(), grpc::Status> {
            match method {
                EverythingMethod::Unary => {
                    grpc::stub::unary(
                            call,
                            buffer,
                            |request| self.service.unary(request),
                        )
                        .await
                }
                EverythingMethod::Collect => {
                    let (requests, responses) = call.split();
                    let response = self.service.collect(requests, buffer).await?;
                    responses.send(&response, buffer).await
                }
                EverythingMethod::List => {
                    let request = call.only_message(buffer).await?;
                    let (_, responses) = call.split();
                    self.service.list(request, responses, buffer).await
                }
                EverythingMethod::Exchange => {
                    let (requests, responses) = call.split();
                    self.service.exchange(requests, responses, buffer).await
                }
                EverythingMethod::Ping => {
                    grpc::stub::unary(call, buffer, |request| self.service.ping(request))
                        .await
                }
                EverythingMethod::GetHttpStatus => {
                    grpc::stub::unary(
                            call,
                            buffer,
                            |request| self.service.get_http_status(request),
                        )
                        .await
                }
            }
        }
    }
}
/// Makes calls of `golden.v1.Nothing`.
#[allow(
    dead_code,
    unreachable_pub,
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags
)]
pub mod nothing_client {
    use ::grpc_websocket_embassy as grpc;
    /// Another service of the same package.
    ///
    /// Makes calls of `golden.v1.Nothing`.
    #[derive(Debug, Clone, Copy)]
    pub struct NothingClient<'a, const N: usize, const W: usize, const T: usize> {
        calls: grpc::stub::Calls<'a, grpc::codec::Prost, N, W, T>,
    }
    impl<'a, const N: usize, const W: usize, const T: usize> NothingClient<'a, N, W, T> {
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
        pub async fn unary<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &super::Query,
            buffer: &mut B,
        ) -> Result<super::Query, grpc::Status> {
            self.calls.unary("/golden.v1.Nothing/Unary", request, buffer).await
        }
    }
}
/// Answers calls of `golden.v1.Nothing`.
#[allow(
    dead_code,
    unreachable_pub,
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags
)]
pub mod nothing_server {
    use ::grpc_websocket_embassy as grpc;
    /// Another service of the same package.
    ///
    /// What answers the calls of `golden.v1.Nothing`.
    #[allow(async_fn_in_trait)]
    pub trait Nothing {
        /// It is dropped when the client leaves or its time is over.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn unary(
            &self,
            request: super::Query,
        ) -> Result<super::Query, grpc::Status>;
    }
    /// A method of `golden.v1.Nothing`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum NothingMethod {
        /// `/golden.v1.Nothing/Unary`
        Unary,
    }
    /// Answers the calls of `golden.v1.Nothing` by a [`Nothing`].
    #[derive(Debug)]
    pub struct NothingServer<'s, S> {
        service: &'s S,
    }
    impl<S> Clone for NothingServer<'_, S> {
        fn clone(&self) -> Self {
            *self
        }
    }
    impl<S> Copy for NothingServer<'_, S> {}
    impl<'s, S: Nothing> NothingServer<'s, S> {
        /// A server; see [`Service::serve`](grpc::stub::Service::serve).
        #[must_use]
        pub const fn new(service: &'s S) -> Self {
            Self { service }
        }
    }
    impl<S: Nothing> grpc::stub::Service<grpc::codec::Prost> for NothingServer<'_, S> {
        type Method = NothingMethod;
        const MAX_LEN: Option<usize> = None;
        fn find(&self, path: &str) -> Option<NothingMethod> {
            match path {
                "/golden.v1.Nothing/Unary" => Some(NothingMethod::Unary),
                _ => None,
            }
        }
        async fn answer<const N: usize, const W: usize, const T: usize>(
            &self,
            method: NothingMethod,
            call: &mut grpc::Incoming<'_, grpc::codec::Prost, N, W, T>,
            buffer: &mut [u8],
        ) -> Result<(), grpc::Status> {
            match method {
                NothingMethod::Unary => {
                    grpc::stub::unary(
                            call,
                            buffer,
                            |request| self.service.unary(request),
                        )
                        .await
                }
            }
        }
    }
}
