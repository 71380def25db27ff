"""IS THE RELEASE WORSE: two versions measured under the same traffic become a verdict. Pure."""
