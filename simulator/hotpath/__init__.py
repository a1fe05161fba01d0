"""The hot path of an endpoint as a black box: what a request costs, what a ping costs, where the time goes."""
