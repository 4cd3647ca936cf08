//! What a build script says.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::{env, fmt};

use crate::error::{Error, Fault};
use crate::sizes::{Size, Sizes};
use crate::sources::Sources;
use crate::{micropb, prost, service};

type Configure<T> = Box<dyn Fn(&mut T)>;

/// What makes the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// micropb: of a fixed size, without an allocator.
    #[default]
    Micropb,
    /// prost: on the heap.
    Prost,
}

/// Generates clients and servers of .proto files; made by [`configure`].
#[derive(Debug)]
#[must_use = "nothing is generated before `compile_protos`"]
pub struct Builder {
    backend: Backend,
    options: Options,
}

/// What the parts of this crate need to know.
pub(crate) struct Options {
    pub(crate) build_client: bool,
    pub(crate) build_server: bool,
    pub(crate) out_dir: Option<PathBuf>,
    pub(crate) include_file: Option<PathBuf>,
    pub(crate) extern_paths: Vec<(String, String)>,
    pub(crate) sizes: Sizes,
    pub(crate) micropb: Vec<Configure<micropb_gen::Generator>>,
    pub(crate) prost: Vec<Configure<prost_build::Config>>,
}

/// Begins to say what is to be generated. Without more it is clients and servers, with messages of
/// micropb.
pub const fn configure() -> Builder {
    Builder {
        backend: Backend::Micropb,
        options: Options {
            build_client: true,
            build_server: true,
            out_dir: None,
            include_file: None,
            extern_paths: Vec::new(),
            sizes: Sizes::new(),
            micropb: Vec::new(),
            prost: Vec::new(),
        },
    }
}

impl Builder {
    /// What makes the messages; [`Backend::Micropb`] by default.
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Whether to generate clients; so by default.
    pub const fn build_client(mut self, enable: bool) -> Self {
        self.options.build_client = enable;
        self
    }

    /// Whether to generate servers; so by default.
    pub const fn build_server(mut self, enable: bool) -> Self {
        self.options.build_server = enable;
        self
    }

    /// The folder of what is generated, a file `package.rs` for each package; `OUT_DIR` by default.
    pub fn out_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.options.out_dir = Some(folder.as_ref().into());
        self
    }

    /// Generates one more file, of this name, with the modules of all packages.
    pub fn include_file(mut self, name: impl AsRef<Path>) -> Self {
        self.options.include_file = Some(name.as_ref().into());
        self
    }

    /// Takes a message from elsewhere: `.package.Message` is the type at a path that begins with `::` or
    /// `crate::`.
    pub fn extern_path(mut self, proto: impl AsRef<str>, rust: impl AsRef<str>) -> Self {
        let paths = (proto.as_ref().to_owned(), rust.as_ref().to_owned());
        self.options.extern_paths.push(paths);
        self
    }

    /// How many bytes a field of strings or bytes holds at most. The path is that of a field,
    /// `.package.Message.field`, or for all fields in it `.package.Message`, `.package`, or `.`; the
    /// nearest counts. Only for [`Backend::Micropb`].
    pub fn max_bytes(mut self, path: impl AsRef<str>, bytes: u32) -> Self {
        self.options.sizes.push(path.as_ref(), Size::Bytes, bytes);
        self
    }

    /// How many elements a repeated field or a map holds at most; a power of two for a map. Otherwise as
    /// [`max_bytes`](Self::max_bytes).
    pub fn max_len(mut self, path: impl AsRef<str>, elements: u32) -> Self {
        self.options.sizes.push(path.as_ref(), Size::Len, elements);
        self
    }

    /// Tells micropb-gen what is not said here. It may be called more than once.
    pub fn micropb(mut self, configure: impl Fn(&mut micropb_gen::Generator) + 'static) -> Self {
        self.options.micropb.push(Box::new(configure));
        self
    }

    /// Tells prost-build what is not said here.
    pub fn prost(mut self, configure: impl Fn(&mut prost_build::Config) + 'static) -> Self {
        self.options.prost.push(Box::new(configure));
        self
    }

    /// Compiles .proto files, and writes what is generated. `includes` are the folders that they and what
    /// they import are in. Tells cargo which files to watch.
    ///
    /// # Errors
    /// What is wrong with the files, or with what was said of them: where, and what to do.
    pub fn compile_protos(
        self,
        protos: &[impl AsRef<Path>],
        includes: &[impl AsRef<Path>],
    ) -> Result<(), Error> {
        let paths =
            |paths: Vec<&Path>| paths.into_iter().map(Path::to_path_buf).collect::<Vec<_>>();
        let protos = paths(protos.iter().map(AsRef::as_ref).collect());
        let includes = paths(includes.iter().map(AsRef::as_ref).collect());
        self.options.check()?;
        let sources = Sources::compile(&protos, &includes)?;
        for path in sources.paths() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
        let services: Rc<[_]> = service::services(&sources)?.into();
        match self.backend {
            Backend::Micropb => micropb::generate(&self.options, &sources, services),
            Backend::Prost => prost::generate(&self.options, &sources, services),
        }
    }
}

impl Options {
    /// # Errors
    /// There is none.
    pub(crate) fn out_dir(&self) -> Result<PathBuf, Error> {
        let folder = self.out_dir.clone();
        let folder = folder.or_else(|| env::var_os("OUT_DIR").map(PathBuf::from));
        folder.ok_or_else(|| {
            let help = "call this in a build script, or say `.out_dir(..)`";
            Fault::new("OUT_DIR is not set", help).into()
        })
    }

    fn check(&self) -> Result<(), Error> {
        for (proto, rust) in &self.extern_paths {
            let is_type = syn::parse_str::<syn::Path>(rust).is_ok();
            if !(proto.starts_with('.') && is_type) {
                let what = format!("`extern_path({proto:?}, {rust:?})`: not paths of two types");
                let help = "`extern_path(\".package.Message\", \"::name::of::Type\")`";
                return Err(Fault::new(what, help).into());
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = f.debug_struct("Options");
        options.field("build_client", &self.build_client);
        options.field("build_server", &self.build_server);
        options.field("out_dir", &self.out_dir);
        options.field("include_file", &self.include_file);
        options.field("extern_paths", &self.extern_paths);
        options.field("sizes", &self.sizes).finish_non_exhaustive()
    }
}
