//! What the end-to-end tests share: a scripted web server that keeps a log of its requests.
