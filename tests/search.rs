//! Finding things: each parameter, the order, the pages.

mod paging;
mod parameter;
