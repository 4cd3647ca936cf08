//! Clients and servers, as the builder wants them.

use std::rc::Rc;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::builder::Options;
use crate::codec::Codec;
use crate::service::{Service, Types};
use crate::{client, server};

/// Generates the clients and servers of services whose messages a library generates.
#[derive(Debug, Clone)]
pub(crate) struct Stubs {
    services: Rc<[Service]>,
    codec: Codec,
    client: bool,
    server: bool,
}

impl Stubs {
    pub(crate) fn new(options: &Options, services: Rc<[Service]>, codec: Codec) -> Self {
        Self {
            services,
            codec,
            client: options.build_client,
            server: options.build_server,
        }
    }

    /// Those of one service.
    pub(crate) fn of(&self, package: &str, name: &str, types: &[Types]) -> TokenStream {
        let path = [package, name].join(".");
        let path = path.trim_start_matches('.');
        let Some(service) = self.services.iter().find(|service| service.path == path) else {
            return TokenStream::new();
        };
        let client = self
            .client
            .then(|| client::generate(service, types, self.codec));
        let server = self
            .server
            .then(|| server::generate(service, types, self.codec));
        quote! { #client #server }
    }

    /// Whether a module is a client or a server.
    pub(crate) fn is_module(&self, name: &Ident) -> bool {
        let mut services = self.services.iter();
        services.any(|service| {
            ["_client", "_server"]
                .iter()
                .any(|end| service.module(end) == *name)
        })
    }
}
