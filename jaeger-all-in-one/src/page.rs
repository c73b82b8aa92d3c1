//! The web page: files of `page/`, embedded in the program and served as they are.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// The page's routes. They need no state: the page asks the API.
pub fn router() -> Router {
    Router::new().route("/", get(index))
}

async fn index() -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], include_str!("../page/index.html"))
}
