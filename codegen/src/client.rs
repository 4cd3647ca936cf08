//! The client of a service.

use proc_macro2::TokenStream;
use quote::quote;

use crate::codec::Codec;
use crate::names;
use crate::service::{Kind, Method, Service, Types, docs, quiet};

/// The module of a service's client.
pub(crate) fn generate(service: &Service, types: &[Types], codec: Codec) -> TokenStream {
    let module = service.module("_client");
    let client = names::with_suffix(&service.name, "Client");
    let methods = || service.methods.iter().zip(types);
    let constants = methods().filter_map(|(method, types)| constant(method, types, codec));
    let methods = methods().map(|(method, types)| self::method(method, types, codec));
    let about = format!(" Makes calls of `{}`.", service.path);
    let docs = docs(&service.docs, &[&about]);
    let codec = codec.path();
    let quiet = quiet();
    quote! {
        #[doc = #about]
        #quiet
        pub mod #module {
            use ::grpc_websocket_embassy as grpc;

            #(#constants)*

            #docs
            #[derive(Debug, Clone, Copy)]
            pub struct #client<'a, const N: usize, const W: usize, const T: usize> {
                calls: grpc::stub::Calls<'a, #codec, N, W, T>,
            }

            impl<'a, const N: usize, const W: usize, const T: usize> #client<'a, N, W, T> {
                /// Makes calls on the connection of a client.
                #[must_use]
                pub const fn new(client: grpc::Client<'a, N, W, T>) -> Self {
                    Self { calls: grpc::stub::Calls::new(client) }
                }

                /// The same client, whose calls end with `DEADLINE_EXCEEDED` when they are not over in
                /// that time.
                #[must_use]
                pub const fn with_timeout(self, timeout: grpc::stub::Duration) -> Self {
                    Self { calls: self.calls.with_timeout(timeout) }
                }

                /// The same client, which sends metadata with each call.
                #[must_use]
                pub fn with_metadata<const L: usize>(
                    self,
                    metadata: &'a grpc::Metadata<L>,
                ) -> Self {
                    Self { calls: self.calls.with_metadata(metadata) }
                }

                #(#methods)*
            }
        }
    }
}

/// How long a method's buffer should be.
fn constant(method: &Method, types: &Types, codec: Codec) -> Option<TokenStream> {
    let name = &method.constant;
    let lens = codec.max_lens(std::slice::from_ref(types))?;
    let about = format!(
        " How long a buffer for the messages of `{}` should be.",
        method.path
    );
    Some(quote! {
        #[doc = #about]
        pub const #name: usize = grpc::stub::buffer_len(&[#lens]);
    })
}

fn method(method: &Method, types: &Types, codec: Codec) -> TokenStream {
    match method.kind {
        Kind::Unary => unary(method, types),
        Kind::ServerStreaming => server_streaming(method, types, codec),
        Kind::ClientStreaming => client_streaming(method, types, codec),
        Kind::Bidi => bidi(method, types, codec),
    }
}

fn unary(method: &Method, types: &Types) -> TokenStream {
    let Method { path, name, .. } = method;
    let Types { request, response } = types;
    let docs = method_docs(
        method,
        " The buffer has to take the longer of the messages.",
    );
    quote! {
        #docs
        pub async fn #name<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &#request,
            buffer: &mut B,
        ) -> Result<#response, grpc::Status> {
            self.calls.unary(#path, request, buffer).await
        }
    }
}

fn server_streaming(method: &Method, types: &Types, codec: Codec) -> TokenStream {
    let (Method { path, name, .. }, codec) = (method, codec.path());
    let Types { request, response } = types;
    let docs = method_docs(method, " The buffer is for the request.");
    quote! {
        #docs
        pub async fn #name<B: grpc::stub::Buffer + ?Sized>(
            &self,
            request: &#request,
            buffer: &mut B,
        ) -> Result<grpc::stub::Receiver<'a, #response, #codec, N, W, T>, grpc::Status> {
            self.calls.server_streaming(#path, request, buffer).await
        }
    }
}

fn client_streaming(method: &Method, types: &Types, codec: Codec) -> TokenStream {
    let (Method { path, name, .. }, codec) = (method, codec.path());
    let Types { request, response } = types;
    let docs = method_docs(method, " Requests are for what it gives to send.");
    quote! {
        #docs
        pub async fn #name(
            &self,
        ) -> Result<grpc::stub::Upload<'a, #request, #response, #codec, N, W, T>, grpc::Status> {
            self.calls.client_streaming(#path).await
        }
    }
}

fn bidi(method: &Method, types: &Types, codec: Codec) -> TokenStream {
    let (Method { path, name, .. }, codec) = (method, codec.path());
    let Types { request, response } = types;
    let docs = method_docs(
        method,
        " Requests go by the one, responses come by the other.",
    );
    quote! {
        #docs
        #[allow(clippy::type_complexity)]
        pub async fn #name(
            &self,
        ) -> Result<
            (
                grpc::stub::Sender<'a, #request, #codec, N, W, T>,
                grpc::stub::Receiver<'a, #response, #codec, N, W, T>,
            ),
            grpc::Status,
        > {
            self.calls.bidi(#path).await
        }
    }
}

fn method_docs(method: &Method, more: &str) -> TokenStream {
    docs(
        &method.docs,
        &[more, "", " # Errors", " The status of the call."],
    )
}
