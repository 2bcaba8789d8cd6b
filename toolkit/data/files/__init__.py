"""Files of data: which of them are pictures, tables or neither, what they hold, the faces decoded of them."""
