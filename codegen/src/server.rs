//! The server of a service.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::codec::Codec;
use crate::names;
use crate::service::{Kind, Method, Service, Types, docs, quiet};

/// The module of a service's server.
pub(crate) fn generate(service: &Service, types: &[Types], codec: Codec) -> TokenStream {
    let module = service.module("_server");
    let (constant, max_len) = lens(service, types, codec);
    let service_trait = service_trait(service, types);
    let methods = methods(service);
    let server = server(service, codec, &max_len);
    let about = format!(" Answers calls of `{}`.", service.path);
    let quiet = quiet();
    quote! {
        #[doc = #about]
        #quiet
        pub mod #module {
            use ::grpc_websocket_embassy as grpc;

            #constant
            #service_trait
            #methods
            #server
        }
    }
}

/// The constant with how long a buffer should be, and how long a message can be.
fn lens(service: &Service, types: &[Types], codec: Codec) -> (TokenStream, TokenStream) {
    let Some(lens) = codec.max_lens(types) else {
        return (quote! {}, quote! { None });
    };
    let about = format!(
        " How long a buffer for the messages of `{}` should be. The metadata of a request has to fit, too.",
        service.path
    );
    let constant = quote! {
        #[doc = #about]
        pub const BUFFER: usize = grpc::stub::buffer_len(MESSAGES);

        const MESSAGES: &[Option<usize>] = &[#lens];
    };
    (constant, quote! { grpc::stub::longest(MESSAGES) })
}

fn service_trait(service: &Service, types: &[Types]) -> TokenStream {
    let name = &service.name;
    let about = format!(" What answers the calls of `{}`.", service.path);
    let docs = docs(&service.docs, &[&about]);
    let handlers = service.methods.iter().zip(types);
    let handlers = handlers.map(|(method, types)| handler(method, types));
    quote! {
        #docs
        #[allow(async_fn_in_trait)]
        pub trait #name {
            #(#handlers)*
        }
    }
}

fn handler(method: &Method, types: &Types) -> TokenStream {
    let Types { request, response } = types;
    let requests = quote! { requests: &mut impl grpc::stub::Requests<#request> };
    let responses = quote! { responses: &mut impl grpc::stub::Responses<#response> };
    let (arguments, output, about) = match method.kind {
        Kind::Unary => (
            quote! { request: #request },
            quote! { #response },
            " It is dropped when the client leaves or its time is over.",
        ),
        Kind::ClientStreaming => (
            quote! { #requests, buffer: &mut [u8] },
            quote! { #response },
            " The buffer takes each of the messages.",
        ),
        Kind::ServerStreaming => (
            quote! { request: #request, #responses, buffer: &mut [u8] },
            quote! { () },
            " The buffer takes each of the messages.",
        ),
        Kind::Bidi => (
            quote! { #requests, #responses, buffer: &mut [u8] },
            quote! { () },
            " The buffer takes each of the messages.",
        ),
    };
    let docs = docs(
        &method.docs,
        &[
            about,
            "",
            " # Errors",
            " The status that the call ends with.",
        ],
    );
    let name = &method.name;
    quote! {
        #docs
        async fn #name(&self, #arguments) -> Result<#output, grpc::Status>;
    }
}

/// What can be called.
fn methods(service: &Service) -> TokenStream {
    let name = method_enum(service);
    let about = format!(" A method of `{}`.", service.path);
    let variants = service.methods.iter().map(|method| {
        let (about, variant) = (format!(" `{}`", method.path), &method.variant);
        quote! { #[doc = #about] #variant }
    });
    quote! {
        #[doc = #about]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum #name {
            #(#variants,)*
        }
    }
}

fn method_enum(service: &Service) -> Ident {
    names::with_suffix(&service.name, "Method")
}

fn server(service: &Service, codec: Codec, max_len: &TokenStream) -> TokenStream {
    let (name, methods) = (&service.name, method_enum(service));
    let server = names::with_suffix(name, "Server");
    let paths = service.methods.iter().map(|method| &method.path);
    let variants: Vec<_> = service
        .methods
        .iter()
        .map(|method| &method.variant)
        .collect();
    let answers = service.methods.iter().map(answer);
    let codec = codec.path();
    let about = format!(" Answers the calls of `{}` by a [`{name}`].", service.path);
    quote! {
        #[doc = #about]
        #[derive(Debug)]
        pub struct #server<'s, S> {
            service: &'s S,
        }

        impl<S> Clone for #server<'_, S> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<S> Copy for #server<'_, S> {}

        impl<'s, S: #name> #server<'s, S> {
            /// A server; see [`Service::serve`](grpc::stub::Service::serve).
            #[must_use]
            pub const fn new(service: &'s S) -> Self {
                Self { service }
            }
        }

        impl<S: #name> grpc::stub::Service<#codec> for #server<'_, S> {
            type Method = #methods;

            const MAX_LEN: Option<usize> = #max_len;

            fn find(&self, path: &str) -> Option<#methods> {
                match path {
                    #(#paths => Some(#methods::#variants),)*
                    _ => None,
                }
            }

            async fn answer<const N: usize, const W: usize, const T: usize>(
                &self,
                method: #methods,
                call: &mut grpc::Incoming<'_, #codec, N, W, T>,
                buffer: &mut [u8],
            ) -> Result<(), grpc::Status> {
                match method {
                    #(#methods::#variants => #answers)*
                }
            }
        }
    }
}

fn answer(method: &Method) -> TokenStream {
    let name = &method.name;
    match method.kind {
        Kind::Unary => quote! {
            grpc::stub::unary(call, buffer, |request| self.service.#name(request)).await,
        },
        Kind::ClientStreaming => quote! {{
            let (requests, responses) = call.split();
            let response = self.service.#name(requests, buffer).await?;
            responses.send(&response, buffer).await
        }},
        Kind::ServerStreaming => quote! {{
            let request = call.only_message(buffer).await?;
            let (_, responses) = call.split();
            self.service.#name(request, responses, buffer).await
        }},
        Kind::Bidi => quote! {{
            let (requests, responses) = call.split();
            self.service.#name(requests, responses, buffer).await
        }},
    }
}
