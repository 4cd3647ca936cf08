//! What must come of a case, and whether it did.

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use tonic::Code;
use tonic::metadata::MetadataMap;

use super::case::{Case, Expect, Fields, Kind};
use super::outcome::Outcome;
use super::service::REQUEST_INFO;
use crate::proto::conformance::conformance_payload::RequestInfo;

/// Compares an outcome with what a case wants; the first difference is the error.
pub(crate) fn compare(case: &Case, requests: &[Bytes], outcome: &Outcome) -> Result<(), String> {
    let check = Check {
        case,
        requests,
        outcome,
    };
    match &case.expect {
        Some(expect) => check.expected(expect),
        None => check.defined(),
    }
}

struct Check<'a> {
    case: &'a Case,
    requests: &'a [Bytes],
    outcome: &'a Outcome,
}

impl Check<'_> {
    /// What the case says itself.
    fn expected(&self, expect: &Expect) -> Result<(), String> {
        self.code(expect.code, &expect.or)?;
        if let Some(message) = &expect.message {
            self.message(message)?;
        }
        self.metadata(&expect.headers, &expect.trailers)?;
        self.data(&expect.data)?;
        if self.case.response.is_some() {
            self.echoes()?;
        }
        Ok(())
    }

    /// What follows from the definition in the request.
    fn defined(&self) -> Result<(), String> {
        let definition = self.case.response.clone().unwrap_or_default();
        match &definition.error {
            Some(error) => {
                self.code(error.code, &[])?;
                self.message(&error.message)?;
            }
            None => self.code(Code::Ok, &[])?,
        }
        self.metadata(&definition.headers, &definition.trailers)?;
        let mut data = definition.data;
        if data.is_empty() && definition.error.is_none() && self.case.kind.is_single_response() {
            data.push(String::new());
        }
        self.data(&data)?;
        self.intervals(definition.delay_ms)?;
        if self.outcome.payloads.is_empty() && definition.error.is_some() {
            return self.details();
        }
        self.echoes()
    }

    fn code(&self, code: Code, or: &[Code]) -> Result<(), String> {
        let (is, message) = (self.outcome.code, &self.outcome.message);
        if is == code || or.contains(&is) {
            return Ok(());
        }
        Err(format!("{is:?} ({message:?}) is not {code:?}"))
    }

    fn message(&self, message: &str) -> Result<(), String> {
        equal("the message", &self.outcome.message.as_str(), &message)
    }

    /// A client that got one response, or none, does not tell the one block from the other.
    fn metadata(&self, headers: &Fields, trailers: &Fields) -> Result<(), String> {
        let Outcome {
            headers: first,
            trailers: last,
            payloads,
            ..
        } = self.outcome;
        if self.case.kind.is_single_response() || payloads.is_empty() {
            let mut both = first.clone().into_headers();
            both.extend(last.clone().into_headers());
            let both = MetadataMap::from_headers(both);
            includes(&both, headers)?;
            return includes(&both, trailers);
        }
        includes(first, headers)?;
        includes(last, trailers)
    }

    fn data(&self, data: &[String]) -> Result<(), String> {
        let payloads = self.outcome.payloads.iter();
        let is: Vec<_> = payloads
            .map(|payload| String::from_utf8_lossy(&payload.data))
            .collect();
        equal("the data", &is, &data.iter().map(Into::into).collect())
    }

    /// Responses with a delay before each do not come in one batch.
    fn intervals(&self, delay_ms: u32) -> Result<(), String> {
        let least = Duration::from_millis(delay_ms.into()) / 2;
        let [first, .., last] = self.outcome.arrived[..] else {
            return Ok(());
        };
        if last - first >= least {
            return Ok(());
        }
        Err(format!("the responses came within {:?}", last - first))
    }

    /// What the service saw of the request: in its first response, in turns also in the others.
    fn echoes(&self) -> Result<(), String> {
        for (index, payload) in self.outcome.payloads.iter().enumerate() {
            let is_in_turns = self.case.kind == Kind::FullDuplex;
            let requests = match (is_in_turns, index) {
                (true, _) => self.requests.get(index..=index).unwrap_or_default(),
                (false, 0) => self.requests,
                (false, _) => &[],
            };
            match &payload.request_info {
                Some(info) => self.request_info(info, index == 0, requests)?,
                None if requests.is_empty() && index > 0 => {}
                None => return Err(format!("payload {index} says nothing of the request")),
            }
        }
        Ok(())
    }

    /// The same, in an error without responses.
    fn details(&self) -> Result<(), String> {
        let details = self.outcome.details.iter();
        let mut details = details.filter(|any| any.type_url == REQUEST_INFO);
        let info = details
            .next()
            .ok_or("the details say nothing of the request")?;
        let info = RequestInfo::decode(&*info.value).map_err(|error| error.to_string())?;
        self.request_info(&info, true, self.requests)
    }

    fn request_info(
        &self,
        info: &RequestInfo,
        is_first: bool,
        requests: &[Bytes],
    ) -> Result<(), String> {
        let is: Vec<_> = info.requests.iter().map(|any| &any.value[..]).collect();
        let should: Vec<_> = requests.iter().map(|bytes| &bytes[..]).collect();
        if is != should {
            let lens = |list: &[&[u8]]| list.iter().map(|bytes| bytes.len()).collect::<Vec<_>>();
            let (is, should) = (lens(&is), lens(&should));
            return Err(format!(
                "the server saw requests of {is:?} bytes, not {should:?}"
            ));
        }
        if let Some(any) = info
            .requests
            .iter()
            .find(|any| any.type_url != self.case.kind.request_type())
        {
            return Err(format!("the server saw a {}", any.type_url));
        }
        if !is_first {
            return Ok(());
        }
        self.request_headers(info)?;
        self.timeout(info.timeout_ms)
    }

    fn request_headers(&self, info: &RequestInfo) -> Result<(), String> {
        for (name, values) in grouped(&self.case.headers) {
            let header = info
                .request_headers
                .iter()
                .find(|header| header.name == name);
            let seen = header.map(|header| header.value.iter().map(String::as_str).collect());
            equal(
                &format!("the server's {name}"),
                &seen.unwrap_or_default(),
                &values,
            )?;
        }
        Ok(())
    }

    /// The server sees the deadline, less a little at most.
    fn timeout(&self, seen: Option<i64>) -> Result<(), String> {
        let Some(timeout) = self.case.timeout_ms else {
            return equal("the server's timeout", &seen, &None);
        };
        let timeout = i64::try_from(timeout).map_err(|error| error.to_string())?;
        match seen {
            Some(seen) if seen <= timeout && seen > timeout / 2 => Ok(()),
            seen => Err(format!("the server saw a timeout of {seen:?} ms")),
        }
    }
}

fn includes(metadata: &MetadataMap, fields: &Fields) -> Result<(), String> {
    for (name, values) in grouped(fields) {
        let is: Vec<_> = metadata
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap_or("?"))
            .collect();
        equal(name, &is, &values)?;
    }
    Ok(())
}

/// The values of each name.
fn grouped(fields: &Fields) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in fields {
        match groups.iter_mut().find(|(other, _)| other == name) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    groups
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Result<(), String> {
    if is == should {
        return Ok(());
    }
    Err(format!("{what}: {is:?} is not {should:?}"))
}
