"""LOOK AND ACT: server-rendered pages over the ports of the control plane, live in the browser."""
