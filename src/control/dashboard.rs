//! The dashboard's files, carried in the binary.
//!
//! Written by hand, read by the browser as they are: no build step, no network.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::live::Shared;
use super::server;

/// A file under `/dashboard/`.
#[derive(Debug)]
pub struct Asset {
    pub name: &'static str,
    pub media_type: &'static str,
    pub text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($name:literal, $media_type:expr) => {
        Asset {
            name: $name,
            media_type: $media_type,
            text: include_str!(concat!("dashboard/", $name)),
        }
    };
}

/// All of them. The first one is the page itself.
pub const ASSETS: &[Asset] = &[
    asset!("index.html", HTML),
    asset!("base.css", CSS),
    asset!("flow.css", CSS),
    asset!("main.js", SCRIPT),
    asset!("dom.js", SCRIPT),
    asset!("header.js", SCRIPT),
    asset!("totals.js", SCRIPT),
    asset!("complaints.js", SCRIPT),
    asset!("flow.js", SCRIPT),
    asset!("backends.js", SCRIPT),
    asset!("favicon.svg", "image/svg+xml"),
];

/// `GET /dashboard/`.
pub async fn page() -> Response {
    ASSETS.first().map_or_else(server::not_found, answer)
}

/// `GET /dashboard/{name}`.
pub async fn asset(State(_): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    ASSETS.iter().find(|asset| asset.name == name).map_or_else(server::not_found, answer)
}

fn answer(asset: &Asset) -> Response {
    // Asked for again at every visit: after an upgrade the files of two versions never mix.
    let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, "no-cache")];
    (headers, asset.text).into_response()
}
