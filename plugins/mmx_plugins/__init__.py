"""The methods that ship with mmx, one module and one entry point each."""
