//! What makes messages of bytes.

use proc_macro2::TokenStream;
use quote::quote;

use crate::service::Types;

/// A codec of the adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Micropb,
    Prost,
}

impl Codec {
    /// Its type, where the adapter is `grpc`.
    pub(crate) fn path(self) -> TokenStream {
        match self {
            Self::Micropb => quote! { grpc::codec::Micropb },
            Self::Prost => quote! { grpc::codec::Prost },
        }
    }

    /// The constants with the longest sizes of messages, if it knows them.
    pub(crate) fn max_lens(self, types: &[Types]) -> Option<TokenStream> {
        if self == Self::Prost {
            return None;
        }
        let codec = self.path();
        let messages = types
            .iter()
            .flat_map(|types| [&types.request, &types.response]);
        Some(quote! { #(<#messages as grpc::codec::Encode<#codec>>::MAX_LEN),* })
    }
}
