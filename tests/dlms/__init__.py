"""DLMS/COSEM: three clients that nobody here wrote, and octets that no client would send."""
