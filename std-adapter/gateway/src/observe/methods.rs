//! The names of methods that metrics may carry: a bounded number of them, whatever clients ask for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The most methods with names of their own. All others share one.
const MAX_METHODS: usize = 1_000;

/// The longest name of a service and its method together, in bytes.
const MAX_NAME: usize = 256;

/// What stands for the methods without a name of their own.
const OTHER: &str = "other";

/// A method as metrics name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Method {
    pub(crate) service: Arc<str>,
    pub(crate) method: Arc<str>,
}

impl Method {
    fn new((service, method): (&str, &str)) -> Self {
        Self {
            service: service.into(),
            method: method.into(),
        }
    }
}

/// The methods that are known to exist.
pub(crate) struct Methods {
    by_path: RwLock<HashMap<Box<str>, Method>>,
    other: Method,
}

impl Methods {
    pub(crate) fn new() -> Self {
        Self {
            by_path: RwLock::default(),
            other: Method::new((OTHER, OTHER)),
        }
    }

    /// The method of a path, if it has a name already.
    pub(crate) fn known(&self, path: &str) -> Option<Method> {
        let by_path = self.by_path.read().unwrap_or_else(PoisonError::into_inner);
        by_path.get(path).cloned()
    }

    /// Gives the method of a path a name of its own, where there is room and it looks like one.
    pub(crate) fn admit(&self, path: &str) -> Method {
        let Some(names) = split(path).filter(|_| path.len() <= MAX_NAME && is_plain(path)) else {
            return self.other();
        };
        let mut by_path = self.by_path.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = by_path.get(path) {
            return known.clone();
        }
        if by_path.len() >= MAX_METHODS {
            return self.other();
        }
        let method = Method::new(names);
        by_path.insert(path.into(), method.clone());
        method
    }

    /// What methods without a name are counted as.
    pub(crate) fn other(&self) -> Method {
        self.other.clone()
    }
}

/// Service and method of a path (gRPC PROTOCOL-HTTP2 "Requests").
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix('/')?
        .rsplit_once('/')
        .filter(|(service, method)| !service.is_empty() && !method.is_empty())
}

/// Whether a path has nothing but what names are made of in the languages of services.
fn is_plain(path: &str) -> bool {
    path.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_known_once_it_is_admitted() {
        let methods = Methods::new();
        assert_eq!(methods.known("/a.B/C"), None);
        let admitted = methods.admit("/a.B/C");
        assert_eq!((&*admitted.service, &*admitted.method), ("a.B", "C"));
        assert_eq!(methods.known("/a.B/C"), Some(admitted));
    }

    #[test]
    fn methods_beyond_the_most_share_a_name() {
        let methods = Methods::new();
        for n in 0..MAX_METHODS {
            assert_ne!(methods.admit(&format!("/s/m{n}")), methods.other());
        }
        assert_eq!(methods.admit("/s/more"), methods.other());
        assert_eq!(methods.known("/s/more"), None);
        assert_eq!(&*methods.admit("/s/m7").method, "m7");
    }

    #[test]
    fn what_is_no_name_gets_none() {
        let methods = Methods::new();
        let long = format!("/s/{}", "m".repeat(MAX_NAME));
        for path in ["", "/", "/s", "/s/", "//m", "/s/m\"", "/s/m\\n", &long] {
            assert_eq!(methods.admit(path), methods.other(), "{path}");
        }
    }
}
