//! hhvm-drain drains HHVM before systemd stops it.
