say worker ready
