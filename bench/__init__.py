"""Measurements that can be run again. Ratios hold on a busy machine; times do not."""
