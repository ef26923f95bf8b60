//! Services made of other services: one of them answers, or all of them are asked.

use std::ops::RangeInclusive;

use super::{Dialect, Sticky};

/// A service that has no servers of its own but names services.
///
/// What it names may be a group again. A circle is refused by whoever builds the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Qualified name, the key in [`super::Model::groups`]; no service has the same.
    pub name: String,
    pub provider: String,
    pub dialect: Dialect,
    pub kind: GroupKind,
    /// Members that cannot answer, because none of their servers can, get no new clients.
    pub health_check: bool,
    /// Why it answers nobody; `None` for one that works.
    pub disabled: Option<String>,
}

/// How a group's answer comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupKind {
    /// New clients by weight; with a cookie they stay.
    Weighted { members: Vec<Member>, sticky: Option<Sticky> },
    /// The member of the greatest hash of its name and the client's address, so that a client
    /// keeps its member without a cookie (rendezvous hashing).
    HighestRandomWeight { members: Vec<Member> },
    /// The main service answers; the mirrors get copies, and what they answer is dropped.
    Mirroring {
        service: String,
        mirrors: Vec<Mirror>,
        /// Copies carry the body.
        mirror_body: bool,
        /// Bytes of the longest body that is copied; negative for no bound.
        max_body_size: i64,
    },
    /// The fallback answers when the main service cannot, or answers one of `statuses`.
    Failover {
        service: String,
        fallback: String,
        statuses: Vec<RangeInclusive<u16>>,
        /// Bytes of the longest body that is kept for the fallback; negative for no bound.
        max_request_body: i64,
    },
}

/// A part of a weighted group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Qualified name of a service or group.
    pub service: String,
    /// Share relative to the others; 0 takes no new clients.
    pub weight: u32,
}

/// A service that gets copies of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Qualified name of a service or group.
    pub service: String,
    /// Of a hundred requests so many are copied.
    pub percent: u8,
}

impl Group {
    /// Names of everything below it, in the order in which they were written.
    pub fn below(&self) -> Vec<&str> {
        match &self.kind {
            GroupKind::Weighted { members, .. } | GroupKind::HighestRandomWeight { members } => {
                members.iter().map(|member| member.service.as_str()).collect()
            }
            GroupKind::Mirroring { service, mirrors, .. } => {
                let copies = mirrors.iter().map(|mirror| mirror.service.as_str());
                [service.as_str()].into_iter().chain(copies).collect()
            }
            GroupKind::Failover { service, fallback, .. } => vec![service, fallback],
        }
    }
}
