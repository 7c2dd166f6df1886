"""What a notebook says and shows. A change here executes notebooks again."""
