//! Messages of micropb, which need no allocator.

use std::collections::BTreeSet;
use std::fs;
use std::rc::Rc;

use micropb_gen::Generator;
use micropb_gen::service::{ServiceGenerator, ServiceView, TypeResolver};
use proc_macro2::{Ident, TokenStream};
use prost_types::FileDescriptorProto;
use protox::prost::Message as _;
use syn::ext::IdentExt as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Item, ItemMod, parse_quote};

use crate::builder::Options;
use crate::codec::Codec;
use crate::error::Error;
use crate::faults;
use crate::names;
use crate::output::{self, Package};
use crate::service::{Service, Types};
use crate::sizes::Limit;
use crate::sources::Sources;
use crate::stubs::Stubs;

/// micropb's generator, with everything that the builder was told.
pub(crate) fn generate(
    options: &Options,
    sources: &Sources,
    services: Rc<[Service]>,
) -> Result<(), Error> {
    options.sizes.check_paths(sources)?;
    faults::small_names(sources)?;
    if options.micropb.is_empty() {
        options.sizes.check_maps(sources)?;
    }
    let stubs = Stubs::new(options, services, Codec::Micropb);
    let code = with_all_sizes(options, sources, &stubs)?;
    let mut items = output::parse(&code)?;
    items
        .iter_mut()
        .for_each(|item| MapEntries.visit_item_mut(item));
    let files = sources.set.file.iter();
    let names: BTreeSet<_> = files.map(FileDescriptorProto::package).collect();
    let packages = names.iter().map(|name| package(name, &items, &names));
    output::write(options, &stubs, &mut packages.collect::<Vec<_>>())
}

/// What is in the module of a package, but for the modules of packages in it.
fn package(name: &str, items: &[Item], names: &BTreeSet<&str>) -> Package {
    let modules: Vec<_> = parts(name).map(module).collect();
    let inside = modules.iter().fold(items, |items, name| {
        let module = items.iter().find_map(|item| match item {
            Item::Mod(module) if is_named(module, name) => module.content.as_ref(),
            _ => None,
        });
        module.map_or(&[], |(_, items)| items)
    });
    let below = names.iter().filter_map(|other| {
        let other: Vec<_> = parts(other).map(module).collect();
        other.strip_prefix(&modules[..])?.first().cloned()
    });
    let below: Vec<_> = below.collect();
    let is_below = |module: &ItemMod| below.iter().any(|name| is_named(module, name));
    let is_own = |item: &&Item| !matches!(item, Item::Mod(module) if is_below(module));
    Package {
        name: name.to_owned(),
        items: inside.iter().filter(is_own).cloned().collect(),
        modules,
    }
}

/// micropb-gen writes names raw though they need not be.
fn is_named(module: &ItemMod, name: &Ident) -> bool {
    module.ident.unraw() == name.unraw()
}

fn parts(package: &str) -> impl Iterator<Item = &str> {
    package.split('.').filter(|part| !part.is_empty())
}

/// As micropb-gen names modules.
fn module(part: &str) -> Ident {
    match part {
        "extern" => names::with_suffix(&names::ident(part), "_"),
        _ if part.starts_with(char::is_uppercase) => names::with_suffix(&names::ident(part), "_"),
        _ => names::ident(part),
    }
}

/// Generates, if every field has its size; says of all which have none, not only of the first.
fn with_all_sizes(options: &Options, sources: &Sources, stubs: &Stubs) -> Result<String, Error> {
    let (mut missing, mut faults) = (Vec::new(), Vec::new());
    loop {
        let error = match run(options, sources, stubs, &missing)? {
            Ok(code) if faults.is_empty() => return Ok(code),
            Ok(_) => return Err(Error::sorted(faults)),
            Err(error) => error,
        };
        let found = faults::missing_sizes(&error, sources, &missing);
        if found.is_empty() {
            return Err(faults::other(&error, sources).into());
        }
        for (limit, fault) in found {
            missing.push(limit);
            faults.push(fault);
        }
    }
}

/// Generates once, with stand-ins for sizes that are missing.
fn run(
    options: &Options,
    sources: &Sources,
    stubs: &Stubs,
    missing: &[Limit],
) -> Result<Result<String, micropb_gen::Error>, Error> {
    let folder = tempfile::tempdir().map_err(|error| output::fault("temporary files", &error))?;
    let (descriptors, code) = (folder.path().join("set"), folder.path().join("code"));
    let io = |error| output::fault("temporary files", &error);
    fs::write(&descriptors, sources.set.encode_to_vec()).map_err(io)?;
    let mut generator = Generator::new();
    generator
        .use_container_heapless()
        .suffixed_package_names(false);
    options.sizes.configure(&mut generator);
    for (proto, rust) in &options.extern_paths {
        generator.extern_type_path(proto, rust);
    }
    options
        .micropb
        .iter()
        .for_each(|configure| configure(&mut generator));
    missing
        .iter()
        .for_each(|limit| limit.configure(&mut generator));
    generator.add_service_generator(stubs.clone());
    match generator.compile_fdset_file(&descriptors, &code) {
        Ok(()) => Ok(Ok(fs::read_to_string(&code).map_err(io)?)),
        Err(error) => Ok(Err(error)),
    }
}

/// Lets entries of maps be read by the adapter: micropb drops those without a key or a value.
struct MapEntries;

impl VisitMut for MapEntries {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        if let Expr::MethodCall(call) = expression
            && call.method == "decode_map_elem"
        {
            let (decoder, arguments) = (&call.receiver, &call.args);
            *expression = parse_quote! {
                ::grpc_websocket_embassy::stub::decode_map_entry(#decoder, #arguments)
            };
        }
    }
}

impl ServiceGenerator for Stubs {
    fn generate(&mut self, view: &ServiceView<'_>, resolver: &dyn TypeResolver) -> TokenStream {
        let methods = view.methods.iter().map(|method| {
            let request = resolver.rust_path(method.input_type);
            Types::new(&request, &resolver.rust_path(method.output_type))
        });
        let types: Vec<_> = methods.collect();
        self.of(view.package, view.name, &types)
    }
}
