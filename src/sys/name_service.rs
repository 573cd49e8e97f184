//! glibc's name service in a static program.

/// Pins host, user and service look-ups to what is built into the binary.
///
/// A static glibc would load the NSS modules of the host it runs on (`myhostname`, `sss`, …), which a
/// host with another glibc answers with SIGABRT or SIGFPE. `files` and `dns` are built in since 2.34.
pub fn pin() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn __nss_configure_lookup(db: *const libc::c_char, spec: *const libc::c_char) -> libc::c_int;
        }
        for (db, spec) in [
            (c"hosts", c"files dns"),
            (c"passwd", c"files"),
            (c"group", c"files"),
            (c"services", c"files"),
            (c"protocols", c"files"),
        ] {
            // SAFETY: both arguments are NUL-terminated static strings that glibc copies; called first
            // in main, before any thread exists.
            unsafe { __nss_configure_lookup(db.as_ptr(), spec.as_ptr()) };
        }
    }
}
