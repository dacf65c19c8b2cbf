"""Bridges: other people's protocols, made of a meter at a URL.

A bridge reads a meter by its client, and changes it by tokens alone.
"""
