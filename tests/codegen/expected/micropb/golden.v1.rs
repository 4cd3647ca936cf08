#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
/// A field of each type.
#[derive(Debug, Default, Clone)]
pub struct Item {
    /// Numbers.
    pub r#int32: i32,
    pub r#int64: i64,
    pub r#uint32: u32,
    pub r#uint64: u64,
    pub r#sint32: i32,
    pub r#sint64: i64,
    pub r#fixed32: u32,
    pub r#fixed64: u64,
    pub r#sfixed32: i32,
    pub r#sfixed64: i64,
    pub r#float: f32,
    pub r#double: f64,
    pub r#bool: bool,
    pub r#string: ::heapless::String<16>,
    pub r#bytes: ::heapless::Vec<u8, 16>,
    /// Present or not.
    ///
    /// *Note:* The presence of this field is tracked separately in the `_has` field. It's recommended to access this field via the accessor rather than directly.
    pub r#optional_uint32: u32,
    /// *Note:* The presence of this field is tracked separately in the `_has` field. It's recommended to access this field via the accessor rather than directly.
    pub r#optional_string: ::heapless::String<16>,
    /// *Note:* The presence of this field is tracked separately in the `_has` field. It's recommended to access this field via the accessor rather than directly.
    pub r#optional_kind: Item_::Kind,
    pub r#numbers: ::heapless::Vec<i32, 4>,
    pub r#unpacked: ::heapless::Vec<u32, 4>,
    pub r#strings: ::heapless::Vec<::heapless::String<16>, 4>,
    pub r#blobs: ::heapless::Vec<::heapless::Vec<u8, 16>, 4>,
    pub r#parts: ::heapless::Vec<Item_::Part, 4>,
    pub r#kinds: ::heapless::Vec<Item_::Kind, 4>,
    pub r#counts: ::heapless::index_map::FnvIndexMap<::heapless::String<16>, u32, 4>,
    pub r#parts_by_number: ::heapless::index_map::FnvIndexMap<i32, Item_::Part, 4>,
    pub r#blobs_by_number: ::heapless::index_map::FnvIndexMap<
        u64,
        ::heapless::Vec<u8, 16>,
        4,
    >,
    pub r#kinds_by_bool: ::heapless::index_map::FnvIndexMap<bool, Item_::Kind, 4>,
    /// *Note:* The presence of this field is tracked separately in the `_has` field. It's recommended to access this field via the accessor rather than directly.
    pub r#point: super::r#types::r#v1::Point,
    pub r#state: super::r#types::r#v1::State,
    /// *Note:* The presence of this field is tracked separately in the `_has` field. It's recommended to access this field via the accessor rather than directly.
    pub r#reserved: super::r#type::_Self,
    /// *Note:* The presence of this field is tracked separately in the `_has` field. It's recommended to access this field via the accessor rather than directly.
    pub r#empty: super::super::r#google::r#protobuf::Empty,
    /// Behind a number of two bytes, and of five.
    pub r#far: bool,
    pub r#farthest: bool,
    /// One of several.
    pub r#choice: ::core::option::Option<Item_::Choice>,
    /// Tracks presence of optional and message fields
    pub _has: Item_::_Hazzer,
}
#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
/// Inner types for `Item`
pub mod Item_ {
    /// A part, which only items have.
    #[derive(Debug, Default, Clone)]
    pub struct Part {
        /// *Note:* The presence of this field is tracked separately in the `_has` field. It's recommended to access this field via the accessor rather than directly.
        pub r#detail: Part_::Detail,
        pub r#details: ::heapless::Vec<Part_::Detail, 4>,
        pub r#kind: Kind,
        /// Tracks presence of optional and message fields
        pub _has: Part_::_Hazzer,
    }
    /// Inner types for `Part`
    pub mod Part_ {
        #[derive(Debug, Default, PartialEq, Clone)]
        pub struct Detail {
            pub r#text: ::heapless::String<16>,
        }
        /// Compact bitfield for tracking presence of optional and message fields
        #[derive(Debug, Default, PartialEq, Clone, Copy)]
        pub struct _Hazzer([u8; 1]);
    }
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    #[repr(transparent)]
    pub struct Kind(pub i32);
    /// One of several.
    #[derive(Debug, PartialEq, Clone)]
    pub enum Choice {
        Number(u32),
        Text(::heapless::String<16>),
        Part(Part),
        Chosen(Kind),
        Blob(::heapless::Vec<u8, 16>),
    }
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
pub struct Query {
    /// How many.
    pub r#count: u32,
}
#[allow(
    warnings,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Summary {
    pub r#count: u32,
    pub r#text: ::heapless::String<16>,
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
    /// How long a buffer for the messages of `/golden.v1.Everything/Unary` should be.
    pub const UNARY_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::Item as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::Summary as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        ],
    );
    /// How long a buffer for the messages of `/golden.v1.Everything/Collect` should be.
    pub const COLLECT_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::Item as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::Summary as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        ],
    );
    /// How long a buffer for the messages of `/golden.v1.Everything/List` should be.
    pub const LIST_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::Query as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::Item as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        ],
    );
    /// How long a buffer for the messages of `/golden.v1.Everything/Exchange` should be.
    pub const EXCHANGE_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::super::r#types::r#v1::Point as grpc::codec::Encode<
                grpc::codec::Micropb,
            >>::MAX_LEN,
            <super::super::r#types::r#v1::Point as grpc::codec::Encode<
                grpc::codec::Micropb,
            >>::MAX_LEN,
        ],
    );
    /// How long a buffer for the messages of `/golden.v1.Everything/Ping` should be.
    pub const PING_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::super::super::r#google::r#protobuf::Empty as grpc::codec::Encode<
                grpc::codec::Micropb,
            >>::MAX_LEN,
            <super::super::super::r#google::r#protobuf::Empty as grpc::codec::Encode<
                grpc::codec::Micropb,
            >>::MAX_LEN,
        ],
    );
    /// How long a buffer for the messages of `/golden.v1.Everything/GetHTTPStatus` should be.
    pub const GET_HTTP_STATUS_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::Item_::Part as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::super::r#type::_Self as grpc::codec::Encode<
                grpc::codec::Micropb,
            >>::MAX_LEN,
        ],
    );
    /// Has methods of all kinds.
    ///
    /// A list of what looks like markup, and is none: [Item], <Item>, https://example.org/, and
    ///
    ///    let code = that_does_not_compile;
    ///
    /// Makes calls of `golden.v1.Everything`.
    #[derive(Debug, Clone, Copy)]
    pub struct EverythingClient<'a, const N: usize, const W: usize, const T: usize> {
        calls: grpc::stub::Calls<'a, grpc::codec::Micropb, N, W, T>,
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
                grpc::codec::Micropb,
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
            grpc::stub::Receiver<'a, super::Item, grpc::codec::Micropb, N, W, T>,
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
                    super::super::r#types::r#v1::Point,
                    grpc::codec::Micropb,
                    N,
                    W,
                    T,
                >,
                grpc::stub::Receiver<
                    'a,
                    super::super::r#types::r#v1::Point,
                    grpc::codec::Micropb,
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
            request: &super::super::super::r#google::r#protobuf::Empty,
            buffer: &mut B,
        ) -> Result<super::super::super::r#google::r#protobuf::Empty, grpc::Status> {
            self.calls.unary("/golden.v1.Everything/Ping", request, buffer).await
        }
        /// The buffer has to take the longer of the messages.
        ///
        /// # Errors
        /// The status of the call.
        pub async fn get_http_status<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &super::Item_::Part,
            buffer: &mut B,
        ) -> Result<super::super::r#type::_Self, grpc::Status> {
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
    /// How long a buffer for the messages of `golden.v1.Everything` should be. The metadata of a request has to fit, too.
    pub const BUFFER: usize = grpc::stub::buffer_len(MESSAGES);
    const MESSAGES: &[Option<usize>] = &[
        <super::Item as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::Summary as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::Item as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::Summary as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::Query as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::Item as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::super::r#types::r#v1::Point as grpc::codec::Encode<
            grpc::codec::Micropb,
        >>::MAX_LEN,
        <super::super::r#types::r#v1::Point as grpc::codec::Encode<
            grpc::codec::Micropb,
        >>::MAX_LEN,
        <super::super::super::r#google::r#protobuf::Empty as grpc::codec::Encode<
            grpc::codec::Micropb,
        >>::MAX_LEN,
        <super::super::super::r#google::r#protobuf::Empty as grpc::codec::Encode<
            grpc::codec::Micropb,
        >>::MAX_LEN,
        <super::Item_::Part as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::super::r#type::_Self as grpc::codec::Encode<
            grpc::codec::Micropb,
        >>::MAX_LEN,
    ];
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
            requests: &mut impl grpc::stub::Requests<super::super::r#types::r#v1::Point>,
            responses: &mut impl grpc::stub::Responses<
                super::super::r#types::r#v1::Point,
            >,
            buffer: &mut [u8],
        ) -> Result<(), grpc::Status>;
        /// Messages of Google's.
        ///
        /// It is dropped when the client leaves or its time is over.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn ping(
            &self,
            request: super::super::super::r#google::r#protobuf::Empty,
        ) -> Result<super::super::super::r#google::r#protobuf::Empty, grpc::Status>;
        /// It is dropped when the client leaves or its time is over.
        ///
        /// # Errors
        /// The status that the call ends with.
        async fn get_http_status(
            &self,
            request: super::Item_::Part,
        ) -> Result<super::super::r#type::_Self, grpc::Status>;
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
    impl<S: Everything> grpc::stub::Service<grpc::codec::Micropb>
    for EverythingServer<'_, S> {
        type Method = EverythingMethod;
        const MAX_LEN: Option<usize> = grpc::stub::longest(MESSAGES);
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
            call: &mut grpc::Incoming<'_, grpc::codec::Micropb, N, W, T>,
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
    /// How long a buffer for the messages of `/golden.v1.Nothing/Unary` should be.
    pub const UNARY_BUFFER: usize = grpc::stub::buffer_len(
        &[
            <super::Query as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
            <super::Query as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        ],
    );
    /// Another service of the same package.
    ///
    /// Makes calls of `golden.v1.Nothing`.
    #[derive(Debug, Clone, Copy)]
    pub struct NothingClient<'a, const N: usize, const W: usize, const T: usize> {
        calls: grpc::stub::Calls<'a, grpc::codec::Micropb, N, W, T>,
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
    /// How long a buffer for the messages of `golden.v1.Nothing` should be. The metadata of a request has to fit, too.
    pub const BUFFER: usize = grpc::stub::buffer_len(MESSAGES);
    const MESSAGES: &[Option<usize>] = &[
        <super::Query as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
        <super::Query as grpc::codec::Encode<grpc::codec::Micropb>>::MAX_LEN,
    ];
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
    impl<S: Nothing> grpc::stub::Service<grpc::codec::Micropb> for NothingServer<'_, S> {
        type Method = NothingMethod;
        const MAX_LEN: Option<usize> = grpc::stub::longest(MESSAGES);
        fn find(&self, path: &str) -> Option<NothingMethod> {
            match path {
                "/golden.v1.Nothing/Unary" => Some(NothingMethod::Unary),
                _ => None,
            }
        }
        async fn answer<const N: usize, const W: usize, const T: usize>(
            &self,
            method: NothingMethod,
            call: &mut grpc::Incoming<'_, grpc::codec::Micropb, N, W, T>,
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
