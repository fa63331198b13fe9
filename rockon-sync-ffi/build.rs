//! Sets the SONAME of the shared library. Its number is the major version, which changes when
//! programs must be recompiled.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let major = env!("CARGO_PKG_VERSION_MAJOR");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,librockon_sync.so.{major}");
}
