//! Names in Rust.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

/// What clients have beside the methods of the service.
const TAKEN: [&str; 3] = ["new", "with_metadata", "with_timeout"];

/// The name of a method.
pub(crate) fn snake(name: &str) -> Ident {
    let name = name.to_snake_case();
    if TAKEN.contains(&name.as_str()) {
        return Ident::new(&format!("{name}_"), Span::call_site());
    }
    ident(&name)
}

/// The name of the module of a service's client or server.
pub(crate) fn module(service: &str, suffix: &str) -> Ident {
    ident(&format!("{}{suffix}", service.to_snake_case()))
}

/// The name of a type or variant.
pub(crate) fn camel(name: &str) -> Ident {
    ident(&name.to_upper_camel_case())
}

/// The name of a method's constant.
pub(crate) fn constant(name: &str) -> Ident {
    let name = format!("{}_BUFFER", name.to_snake_case().to_uppercase());
    Ident::new(&name, Span::call_site())
}

/// A name with something behind it, which is no reserved word then.
pub(crate) fn with_suffix(name: &Ident, suffix: &str) -> Ident {
    let name = name.to_string();
    let bare = name.strip_prefix("r#").unwrap_or(&name);
    Ident::new(&format!("{bare}{suffix}"), Span::call_site())
}

/// A reserved word is raw, or gets an underscore where that cannot be.
pub(crate) fn ident(name: &str) -> Ident {
    match name {
        "self" | "Self" | "super" | "crate" => Ident::new(&format!("{name}_"), Span::call_site()),
        _ if name.starts_with("r#") => ident(&name[2..]),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => ident(&format!("_{name}")),
        _ => syn::parse_str(name).unwrap_or_else(|_| Ident::new_raw(name, Span::call_site())),
    }
}

/// A type of the package, as a module in it sees it.
pub(crate) fn in_child_module(path: &TokenStream) -> TokenStream {
    let text = path.to_string();
    let is_absolute = ["::", "crate", "("]
        .iter()
        .any(|start| text.starts_with(start));
    if is_absolute {
        path.clone()
    } else {
        quote! { super::#path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_raw_or_get_an_underscore() {
        assert_eq!(snake("Move").to_string(), "r#move");
        assert_eq!(snake("Self").to_string(), "self_");
        assert_eq!(snake("Super").to_string(), "super_");
        assert_eq!(camel("_1st").to_string(), "_1st");
        assert_eq!(camel("self").to_string(), "Self_");
        assert_eq!(camel("OTAUpdate").to_string(), "OtaUpdate");
        assert_eq!(snake("GetURL").to_string(), "get_url");
        assert_eq!(module("Crate", "_client").to_string(), "crate_client");
    }

    #[test]
    fn methods_are_not_named_as_what_clients_have_anyway() {
        assert_eq!(snake("New").to_string(), "new_");
        assert_eq!(snake("WithTimeout").to_string(), "with_timeout_");
    }

    #[test]
    fn types_of_the_package_are_one_module_up() {
        let path = |text: &str| in_child_module(&text.parse().unwrap()).to_string();
        assert_eq!(path("Reading"), "super :: Reading");
        assert_eq!(path("::prost_types::Any"), ":: prost_types :: Any");
        assert_eq!(path("crate::Own"), "crate :: Own");
        assert_eq!(path("()"), "()");
    }
}
