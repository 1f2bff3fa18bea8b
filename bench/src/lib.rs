//! What measuring needs and others may use: a realistic clinic.
