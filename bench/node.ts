export async function benchNode(): Promise<void> {}
