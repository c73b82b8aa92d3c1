//! Jaeger wire.
