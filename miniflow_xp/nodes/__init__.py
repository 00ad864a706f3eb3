"""What holds nodes together: their readers, their gradients, their copies."""
