//! Gives the shared library its SONAME, whose number is the major version: it changes when
//! programs have to be compiled anew.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let major = env!("CARGO_PKG_VERSION_MAJOR");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,librockon_sync.so.{major}");
}
