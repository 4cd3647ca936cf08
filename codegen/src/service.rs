//! Services of .proto files, whichever library makes their messages.

use proc_macro2::{Ident, TokenStream};
use prost_types::MethodDescriptorProto;
use quote::quote;

use crate::error::{Error, Fault};
use crate::names;
use crate::sources::{File, Sources};

/// Numbers of fields in descriptor.proto, of which a location's path is made.
const SERVICE: i32 = 6;
const METHOD: i32 = 2;

/// A service.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    /// `package.Service`.
    pub(crate) path: String,
    pub(crate) name: Ident,
    proto_name: String,
    pub(crate) docs: Vec<String>,
    pub(crate) methods: Vec<Method>,
}

/// A method of a service.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    /// `/package.Service/Method`.
    pub(crate) path: String,
    pub(crate) name: Ident,
    pub(crate) variant: Ident,
    pub(crate) constant: Ident,
    pub(crate) docs: Vec<String>,
    pub(crate) kind: Kind,
}

/// What goes in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Unary,
    ClientStreaming,
    ServerStreaming,
    Bidi,
}

/// What a library makes of the messages of a method, as the module of the service sees it.
#[derive(Debug, Clone)]
pub(crate) struct Types {
    pub(crate) request: TokenStream,
    pub(crate) response: TokenStream,
}

/// The services of all files.
///
/// # Errors
/// Names that would be the same in Rust.
pub(crate) fn services(sources: &Sources) -> Result<Vec<Service>, Error> {
    let files = sources.files();
    let services: Result<Vec<_>, _> = files.map(|file| services_of(&file)).collect();
    Ok(services?.into_iter().flatten().collect())
}

fn services_of(file: &File<'_>) -> Result<Vec<Service>, Error> {
    let mut services: Vec<Service> = Vec::new();
    for (index, service) in (0..).zip(&file.proto.service) {
        let location = [SERVICE, index];
        let name = names::camel(service.name());
        if services.iter().any(|other| other.name == name) {
            return Err(same_name(file, &location, service.name()).into());
        }
        let path = file.full_name(service.name());
        services.push(Service {
            methods: methods_of(file, &path, &location, &service.method)?,
            docs: file.docs(&location),
            proto_name: service.name().to_owned(),
            path,
            name,
        });
    }
    Ok(services)
}

fn methods_of(
    file: &File<'_>,
    service: &str,
    location: &[i32],
    protos: &[MethodDescriptorProto],
) -> Result<Vec<Method>, Error> {
    let mut methods: Vec<Method> = Vec::new();
    for (index, proto) in (0..).zip(protos) {
        let location = [location, &[METHOD, index]].concat();
        let method = Method {
            path: format!("/{service}/{}", proto.name()),
            name: names::snake(proto.name()),
            variant: names::camel(proto.name()),
            constant: names::constant(proto.name()),
            docs: file.docs(&location),
            kind: Kind::of(proto),
        };
        if methods
            .iter()
            .any(|other| other.constant == method.constant)
        {
            return Err(same_name(file, &location, proto.name()).into());
        }
        methods.push(method);
    }
    Ok(methods)
}

fn same_name(file: &File<'_>, location: &[i32], name: &str) -> Fault {
    let what = format!("`{name}` has the same name in Rust as another one before it");
    Fault::new(what, "rename one of them").at(file.place(location))
}

impl Kind {
    fn of(method: &MethodDescriptorProto) -> Self {
        match (method.client_streaming(), method.server_streaming()) {
            (false, false) => Self::Unary,
            (true, false) => Self::ClientStreaming,
            (false, true) => Self::ServerStreaming,
            (true, true) => Self::Bidi,
        }
    }
}

impl Service {
    /// The name of the module of its client or server.
    pub(crate) fn module(&self, suffix: &str) -> Ident {
        names::module(&self.proto_name, suffix)
    }
}

impl Types {
    /// Of types as the package's module sees them.
    pub(crate) fn new(request: &TokenStream, response: &TokenStream) -> Self {
        Self {
            request: names::in_child_module(request),
            response: names::in_child_module(response),
        }
    }
}

/// `#[doc]`s of a comment's lines, and more behind them.
pub(crate) fn docs(comment: &[String], more: &[&str]) -> TokenStream {
    let between = (!comment.is_empty()).then_some("");
    let lines = comment.iter().map(String::as_str).chain(between);
    let lines = lines.chain(more.iter().copied());
    quote! { #(#[doc = #lines])* }
}

/// For firmware that does not use all of it, and for comments that are not written for rustdoc.
pub(crate) fn quiet() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            unreachable_pub,
            clippy::doc_markdown,
            rustdoc::bare_urls,
            rustdoc::broken_intra_doc_links,
            rustdoc::invalid_html_tags
        )]
    }
}
