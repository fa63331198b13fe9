//! Values and tools that every other module uses. Nothing here knows about catalogs.

pub(crate) mod cancel;
pub(crate) mod digest;
pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod json;
pub mod limits;
pub(crate) mod path;
pub(crate) mod problem;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod version;
pub(crate) mod workers;
