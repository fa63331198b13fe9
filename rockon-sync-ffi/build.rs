//! Gives the shared library its SONAME: the number in it changes when programs have to be
//! compiled anew.

#[expect(clippy::print_stdout, reason = "this is how a build script speaks")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,librockon_sync.so.0");
}
