def draw(graph): return ""
